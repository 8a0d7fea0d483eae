"""Whether what a page shows can be used by everybody: names, the Tab key, and what axe-core finds (`make axe`)."""

import os
from pathlib import Path

AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[2] / ".venv/npm/node_modules/axe-core/axe.min.js"))
SHOTS = os.environ.get("REPOSER_SCREENSHOTS")
"""A folder for pictures of the page, if somebody wants to look at them."""
TAB = "\ue004"


def look(browser, name):
    if SHOTS:
        browser.run("return new Promise(done => setTimeout(done, 400))")
        browser.screenshot(Path(SHOTS) / f"{name}.png")


CONTROLS = """
    const root = document.querySelector(arguments[0]);
    const shown = e => e.getClientRects().length > 0 && e.checkVisibility({visibilityProperty: true});
    const controls = 'button, a[href], input, select, textarea, summary, video[controls], [tabindex]';
    const all = [...root.querySelectorAll(controls)]
        .filter(e => shown(e) && !e.disabled);
"""
NAMELESS = """return all.filter(e => {
    const label = e.getAttribute('aria-label') || (e.labels && e.labels.length && e.labels[0].textContent) ||
        e.textContent || e.title || (e.querySelector && e.querySelector('img') && e.querySelector('img').alt);
    return !(label || '').trim(); }).map(e => e.outerHTML.slice(0, 120));"""
WATCHED = """
    window.reached = new Set();
    window.reaching ??= document.addEventListener('focusin', event => window.reached.add(event.target));
    document.activeElement.blur();
    return all.length;"""
UNREACHED = """
    const missed = all.filter(e => !window.reached.has(e) && e.role !== 'tab' && e.id !== 'panel');
    const mute = [...root.querySelectorAll('label')].filter(e => shown(e) && !(e.control && all.includes(e.control)));
    return [...missed, ...mute].filter(e => !e.control?.disabled).map(e => e.outerHTML.slice(0, 120));"""
CHOSEN = """
    const button = document.getElementById('theme'), root = document.documentElement;
    if (button && root.dataset.theme !== arguments[0]) button.click();"""
FAULTS = """
    document.getAnimations().forEach(animation => animation.finish());
    return axe.run(document.querySelector(arguments[0]), {resultTypes: ['violations']}).then(r => r.violations
        .filter(v => ['serious', 'critical'].includes(v.impact))
        .map(v => [v.id, v.help, v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary)]));"""


def usable_by_all(browser, state, root="body"):
    """Every control of what is shown has a name and is reached with Tab, and axe-core (`make axe`) finds no serious
    fault in the light and in the dark theme."""
    assert browser.run(CONTROLS + NAMELESS, root) == [], state
    browser.press(TAB, browser.run(CONTROLS + WATCHED, root) + 24)  # a video has several stops of its own
    assert browser.run(CONTROLS + UNREACHED, root) == [], f"{state}: not reached with Tab"
    if not AXE.is_file():
        return
    if browser.run("return !window.axe"):
        browser.run(AXE.read_text())
    for theme in ("dark", "light"):
        browser.run(CHOSEN, theme)
        if theme == "dark":
            look(browser, f"{state}-dark")
        assert browser.run(FAULTS, root) == [], (state, theme)
