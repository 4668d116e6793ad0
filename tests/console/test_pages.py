"""The pages as their owner sees them, in a real browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.console.talk import OWNER, PLACE
from bot.domain import Decision, FeedbackKind, Progress, RoundState, Ruling
from bot.store import adapters, feedback, members, rounds, tables
from tests.console.conftest import House
from tests.store import rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def _say(page: Any, text: str) -> None:
    await page.locator("textarea").fill(text)
    await page.locator("textarea").press("Enter")


async def _replied(page: Any, text: str) -> Any:
    """Wait for a complete reply; the card that shows it."""
    card = page.locator(".reply", has_text=text).last
    await card.get_by_label("Good reply").wait_for()
    return card


async def _wide(page: Any) -> int:
    """By how many pixels the page is wider than its window."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(await page.evaluate(wide))


async def test_a_reply_comes_and_can_be_rated(page: Any, house: House) -> None:
    await _say(page, "Hello there")
    card = await _replied(page, "You said: Hello there")
    assert await page.locator("textarea").input_value() == ""
    await card.get_by_label("Good reply").click()
    await card.locator('[aria-label="Good reply"][aria-pressed="true"]').wait_for()
    last = await house.last()
    assert [event.kind for event in await house.said_of(last.id)] == [FeedbackKind.LIKE]
    await card.get_by_label("Good reply").click()
    await card.locator('[aria-label="Good reply"][aria-pressed="false"]').wait_for()
    assert (await house.said_of(last.id))[-1].kind is FeedbackKind.RETRACTION
    assert (await house.said_of(last.id))[-1].via == "web"


async def test_what_was_said_is_there_after_a_reload(page: Any) -> None:
    await _say(page, "Remember me")
    card = await _replied(page, "You said: Remember me")
    await card.get_by_label("Bad reply").click()
    await card.locator('[aria-label="Bad reply"][aria-pressed="true"]').wait_for()
    await page.reload()
    card = await _replied(page, "You said: Remember me")
    assert await page.locator(".mine").all_inner_texts() == ["Remember me"]
    assert await card.get_by_label("Bad reply").get_attribute("aria-pressed") == "true"


async def test_a_reply_can_be_corrected(page: Any, house: House) -> None:
    await _say(page, "What is two and two?")
    card = await _replied(page, "You said")
    await card.get_by_label("Write a better reply").click()
    area = page.locator(".sheet textarea")
    assert await area.input_value() == "You said: What is two and two?"
    await area.fill("Four.\nAs ever.")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("I noted the better answer").wait_for()
    await page.locator(".sheet").wait_for(state="detached")
    said = await house.said_of((await house.last()).id)
    assert [(event.kind, event.text) for event in said] == [
        (FeedbackKind.CORRECTION, "Four.\nAs ever.")
    ]


async def test_another_reply_to_the_same(page: Any, house: House) -> None:
    await _say(page, "Tell me a story")
    card = await _replied(page, "You said: Tell me a story")
    first = await house.last()
    house.generator.told = "Once upon a time."
    await card.get_by_label("Another reply").click()
    await _replied(page, "Once upon a time.")
    assert (await house.last()).retry_of == first.id


async def test_a_reply_grows_goes_on_without_its_tab_and_can_be_stopped(
    page: Any, house: House
) -> None:
    house.generator.go.clear()
    await _say(page, "Slowly please")
    await page.get_by_text("Thinking").wait_for()
    await page.reload()
    await page.get_by_text("Thinking").wait_for()
    assert await page.locator(".mine").all_inner_texts() == ["Slowly please"]
    await page.get_by_role("button", name="Stop").click()
    await page.get_by_text("Stopped.").wait_for()
    assert house.generator.streams[-1].cancelled
    house.generator.go.set()
    await _say(page, "Go on")
    await _replied(page, "You said: Go on")


async def test_words_are_never_markup(page: Any, house: House) -> None:
    house.generator.told = f"{EVIL}\n```html\n{EVIL}\n```"
    await _say(page, EVIL)
    card = await _replied(page, "onerror")
    for _ in range(2):
        assert await page.locator(".mine").inner_text() == EVIL
        assert await card.locator(".prose").inner_text() == EVIL
        assert await card.locator("pre").inner_text() == EVIL
        assert await page.locator(".talk img, .talk script").count() == 0
        assert await page.title() == "thumbwise · chat"
        await page.reload()
        card = await _replied(page, "onerror")


async def test_shift_and_enter_begins_a_line(page: Any, house: House) -> None:
    area = page.locator("textarea")
    await area.fill("one")
    await area.press("Shift+Enter")
    await area.press_sequentially("two")
    await area.press("Enter")
    await _replied(page, "two")
    assert (await house.last()).prompt.turns[-1].text == "one\ntwo"


async def test_commands_are_given_in_the_chat(page: Any) -> None:
    await _say(page, "Before")
    await _replied(page, "You said: Before")
    await _say(page, "/reset")
    await page.locator(".aside", has_text="We start afresh").wait_for()
    assert await page.locator(".mine").count() == 0
    await _say(page, "/nonsense")
    await page.locator(".aside.refused", has_text="/nonsense").wait_for()


async def test_commands_can_be_picked(page: Any) -> None:
    await page.get_by_label("Commands").click()
    await page.locator(".q-item", has_text="/status").click()
    await page.locator("textarea").press("Enter")
    await page.locator(".aside", has_text="Answering with the base model").wait_for()


async def test_what_matters_is_confirmed(page: Any) -> None:
    await _say(page, "Keep this")
    await _replied(page, "Keep this")
    for button, left in (("No", 1), ("Yes, do it", 0)):
        await _say(page, "/forget")
        await page.get_by_role("button", name=button, exact=True).click()
        await page.locator(".sheet").wait_for(state="detached")
        if left == 0:
            await page.locator(".aside", has_text="deleted").wait_for()
        assert await page.locator(".mine").count() == left


async def test_announcements_are_shown(page: Any, house: House) -> None:
    await house.console.announce(PLACE, f"Version 2 is live. {EVIL}")
    shown = page.locator(".announced")
    await shown.wait_for()
    assert await shown.inner_text() == f"Version 2 is live. {EVIL}"
    await _say(page, "Oh")
    await _replied(page, "You said: Oh")
    await page.reload()
    await _replied(page, "You said: Oh")
    said = await page.locator(".talk > *").all_inner_texts()
    assert [text.split()[0] for text in said] == ["Version", "Oh", "You"]


async def test_what_is_kept_can_be_saved_and_a_picture_is_shown(page: Any) -> None:
    await _say(page, "/privacy export")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save thumbwise-of-me.json").click()
    path = await (await download.value).path()
    assert json.loads(path.read_text())["member"]["id"] == "owner"
    await _say(page, "/stats")
    await page.locator(".aside img").wait_for()


async def _begun(house: House) -> int:
    """A round is training."""
    async with house.database.write() as tx:
        one = await rounds.create(
            tx, trigger="request", seed=1, base_model="fake", at=house.clock()
        )
        await rounds.move(tx, one.id, RoundState.TRAINING, house.clock())
    return one.id


async def _at(house: House, round_id: int, step: int) -> None:
    async with house.database.write() as tx:
        await rounds.show_progress(tx, round_id, Progress(step, 40, 1.9))


async def _ended(house: House, round_id: int) -> None:
    async with house.database.write() as tx:
        await rounds.move(tx, round_id, RoundState.CANCELLED, house.clock(), reason="Enough.")


async def test_a_round_is_followed_in_the_chat(page: Any, house: House) -> None:
    this = await _begun(house)
    await _say(page, "/train status")
    shown = page.locator(".aside")
    for step in (7, 21):
        await _at(house, this, step)
        await shown.get_by_text(f"{step}/40").wait_for()
    await _ended(house, this)
    await shown.get_by_text("Enough.").wait_for()


async def test_a_round_is_followed_and_cancelled_on_the_learning_page(
    page: Any, house: House
) -> None:
    this = await _begun(house)
    await page.get_by_role("link", name="Learning").click()
    await _at(house, this, 7)
    await page.get_by_text("7/40").wait_for()
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_text("The round is being cancelled").wait_for()
    await _ended(house, this)
    await page.get_by_text("Enough.").wait_for()
    await page.get_by_role("button", name="Train now").wait_for()


async def _queue_of_two(house: House) -> tuple[int, int]:
    """Two flagged replies, all others settled: what comes first, and what comes next."""
    async with house.database.write() as tx:
        me = await members.meet(tx, OWNER, house.clock())
        for exchange in (await tx.execute(select(tables.exchanges.c.id))).scalars().all():
            ruling = Decision(exchange, me.id, Ruling.REJECT, house.clock())
            await feedback.decide(tx, ruling)
    second = await house.answered(f"Older {EVIL}", f"Second {EVIL}")
    first = await house.answered("Newer", "First\n\nof several lines")
    for exchange, by in ((second, "ben"), (first, "cleo")):
        await house.rated(exchange.id, by, FeedbackKind.FLAG, f"rude {EVIL}")
    return first.id, second.id


async def _rulings(house: House, exchange: int) -> list[tuple[Ruling, str]]:
    async with house.database.read() as conn:
        return [(r.ruling, r.text) for r in await feedback.rulings(conn, exchange)]


async def test_the_review_queue_is_walked(page: Any, house: House) -> None:
    first, second = await _queue_of_two(house)
    await page.get_by_role("link", name="Review").click()
    await page.get_by_text("2 waiting").wait_for()
    assert "First" in await page.locator(".verdict").inner_text()
    assert "cleo" in await page.locator(".rater").inner_text()
    await page.get_by_role("button", name="Approve").click()
    await page.locator(".verdict", has_text="Second").wait_for()
    assert await page.locator(".verdict .prose").inner_text() == f"Second {EVIL}"
    assert await page.locator(".verdict img, .raters img, .context img").count() == 0
    await page.get_by_role("button", name="Correct").click()
    await page.locator(".sheet textarea").fill("Better\nso")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("nothing to review").wait_for()
    assert await _rulings(house, first) == [(Ruling.APPROVE, "")]
    assert await _rulings(house, second) == [(Ruling.CORRECT, "Better\nso")]


async def test_review_by_keys_and_a_banned_rater(page: Any, house: House) -> None:
    first, second = await _queue_of_two(house)
    await page.get_by_role("link", name="Review").click()
    await page.get_by_label("Ban rater").click()
    await page.locator(".sheet button", has_text="Ban rater").click()
    await page.get_by_text("cleo (trust 0.0)").wait_for()
    await page.keyboard.press("s")
    await page.locator(".verdict", has_text="Second").wait_for()
    await page.keyboard.press("r")
    await page.get_by_text("nothing to review").wait_for()
    assert await _rulings(house, first) == [(Ruling.SKIP, "")]
    assert await _rulings(house, second) == [(Ruling.REJECT, "")]


async def _taught(house: House) -> int:
    """Two rounds were promoted; the version that is live since the second one."""
    base = house.generator.base_model
    losses = {"held_out": {"live": 2.0, "candidate": 1.5}}
    reason = f"Held-out loss fell by 25%. {EVIL}"
    async with house.database.write() as tx:
        for _ in range(2):
            new = rows.adapter(base_model=base)
            made = await adapters.add(tx, replace(new, metrics=losses | {"counts": {"new": 12}}))
            one = await rounds.create(
                tx, trigger="request", seed=1, base_model=base, at=house.clock()
            )
            await rounds.move(
                tx,
                one.id,
                RoundState.PROMOTED,
                house.clock(),
                reason=reason,
                report={"metrics": losses},
                adapter=made.version,
            )
            await adapters.promote(
                tx, made.version, base_model=base, actor="x", at=house.clock(), kind="round"
            )
    return made.version


async def test_learning_is_shown_and_rolled_back(page: Any, house: House) -> None:
    live = await _taught(house)
    await page.get_by_role("link", name="Learning").click()
    row = page.locator(".entry").filter(has=page.get_by_text(re.compile(f"^Version {live} ·")))
    await row.get_by_text("live", exact=True).wait_for()
    assert await page.locator(".wide-page img, .wide-page script").count() == 0
    assert await page.get_by_text("Held-out loss fell by 25%.").count() == 2
    chart = page.locator(".chart", has_text="Loss by round")
    await chart.locator("canvas").wait_for()
    await page.get_by_role("button", name="Roll back").click()
    await page.get_by_role("button", name="Yes, do it").click()
    await page.get_by_text(f"Version {live - 1} is live now").wait_for()
    async with house.database.read() as conn:
        now = await adapters.live(conn, house.generator.base_model)
    assert now is not None
    assert now.version == live - 1
    await row.get_by_role("button", name="Promote").click()
    await page.get_by_role("button", name="Yes, do it").click()
    await page.get_by_text(f"Version {live} is live now").wait_for()


async def test_a_round_is_asked_for(page: Any) -> None:
    await page.get_by_role("link", name="Learning").click()
    await page.get_by_role("button", name="Train now").click()
    await page.get_by_text("I asked for a round of learning").wait_for()


@pytest.mark.parametrize("page", [PHONE], indirect=True)
async def test_it_fits_on_a_phone(page: Any, house: House) -> None:
    house.generator.told = f"{'word' * 60}\n```\n{'code ' * 40}\n```\n| a | b |"
    await _say(page, "long" * 60)
    await _replied(page, "word")
    assert await _wide(page) == 0
    first, _ = await _queue_of_two(house)
    await house.rated(first, "dora", FeedbackKind.CORRECTION, "x" * 200)
    await page.get_by_role("link", name="Review").click()
    await page.locator(".verdict").wait_for()
    assert await _wide(page) == 0
    await page.get_by_role("link", name="Learning").click()
    await page.locator(".figure").first.wait_for()
    assert await _wide(page) == 0
