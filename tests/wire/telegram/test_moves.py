"""A group becomes a supergroup: new ids, and all that belonged to it goes on."""

from __future__ import annotations

from tests.wire.telegram import town
from tests.wire.telegram.house import House, heard
from tests.wire.telegram.keyboards import buttons
from tests.wire.telegram.people import Human
from tests.wire.telegram.server import BotApi
from tests.wire.telegram.town import answered, group, replies, said


async def test_a_group_that_becomes_a_supergroup_keeps_its_talk(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo, kind="group")
    ana.say(hall, "/chat remember the fox")
    (first,) = await replies(api, hall)
    new = town.upgrade(api, hall, ana)
    ana.say(new, "/chat what is it?")
    await replies(api, new)
    assert "remember the fox" in heard(house.voice)
    await answered(api, bo.press(first, "👍"))  # below a message in the old group
    assert await house.votes() == [(str(bo.user.id), "like")]
    assert len(await house.rows("SELECT id FROM channels")) == 1


async def test_buttons_from_before_a_group_moved_work_after_a_restart(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo, kind="group")
    ana.say(hall, "/chat before")
    (old,) = await replies(api, hall)
    ana.say(hall, "/forget")
    asked = await said(api, hall, "for good")
    new = town.upgrade(api, hall, ana)
    bo.say(new, "I am here, too")
    ana.say(new, "/chat after")
    (later,) = await replies(api, new)
    assert later.id == asked.id  # messages are numbered anew
    await house.restart()
    assert "Thank you" in await answered(api, bo.press(old, "👍"))
    data = buttons(old.markup)[0]["callback_data"]
    await answered(api, ana.press(later, "👍", data=data))  # should Telegram name the new group
    found = await house.rows(
        "SELECT e.reply, f.kind FROM feedback f JOIN exchanges e ON e.id = f.exchange_id"
    )
    assert found == [("You said: before", "like")] * 2
    ana.press(asked, "Cancel")
    await said(api, new, "Nothing was done")
    assert later.text == "You said: after"  # that it has the number of the question harms nothing
    assert later.labels[:2] == ["👍", "👎"]
    assert len(await house.rows("SELECT id FROM communities")) == 1


async def test_what_waited_while_a_group_moved_is_answered_where_it_is_now(
    api: BotApi, house: House, ana: Human, bo: Human
) -> None:
    hall = group(api, ana, bo, kind="group")
    house.voice.go.clear()
    ana.say(hall, "/chat first")
    await house.voice.submitted.wait()
    bo.say(hall, "/chat second")  # waits for its turn, under the old id
    new = town.upgrade(api, hall, ana)
    house.voice.go.set()
    first, second = await replies(api, new, 2)
    assert [first.text, second.text] == ["You said: first", "You said: second"]
    await answered(api, bo.press(second, "👍"))
    assert await house.votes() == [(str(bo.user.id), "like")]
    assert len(await house.rows("SELECT id FROM channels")) == 1


async def test_a_move_that_is_noticed_by_sending_keeps_the_reply(
    api: BotApi, house: House, ana: Human
) -> None:
    hall = group(api, ana, kind="group")
    house.voice.go.clear()
    ana.say(hall, "/chat hello")
    await house.voice.submitted.wait()
    new = town.upgrade(api, hall, ana)
    house.voice.go.set()
    (reply,) = await replies(api, new)
    assert reply.text == "You said: hello"
    await answered(api, ana.press(reply, "👍"))
    assert await house.votes() == [(str(ana.user.id), "like")]
