"""`reposer evaluate` shows what it has scored."""

from reposer.cli.evaluate import drawn_pictures
from reposer.core.rng import seeded_randn
from reposer.data.synthetic import SyntheticPeople
from reposer.evaluation import Protocol, evaluate


def test_the_pictures_on_the_page_are_drawn_from_the_noise_that_was_scored():
    people = SyntheticPeople((32, 22), "test", num_pairs=3)
    rule = Protocol("plain", metrics=("l1",), seed=5)

    def noise(source, source_pose, target_pose, *, seeds=None):
        return seeded_randn(source.shape[1:], seeds).clamp(-1, 1)

    report = evaluate(noise, rule, people, batch_size=2)
    for i, row in enumerate(report.rows):
        shown = drawn_pictures(people, i, noise, rule)
        own = abs(shown["generated"].astype(float) - shown["target"]).mean() / 255
        assert abs(own - row.values["l1"]) < 1e-12
