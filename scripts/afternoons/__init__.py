"""Two afternoons with Reposer, as programs that run in an empty folder: a researcher's and an engineer's."""
