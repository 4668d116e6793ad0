"""What the members of the simulated community say: openings of small talk, no two alike.

A theme is a subject: things to talk about, and ways of talking about them. The last things and the
last ways of each theme are kept for the unseen messages, so that an unseen message shares neither
its thing nor its wording with any that was learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Theme:
    """A subject: `ways` are sentences with a place for one of `things`."""

    things: tuple[str, ...]
    ways: tuple[str, ...]


UNSEEN_THINGS: Final = 3
UNSEEN_WAYS: Final = 2

THEMES: Final = (
    Theme(  # food
        (
            "lasagna",
            "sourdough bread",
            "pancakes",
            "ramen",
            "banana bread",
            "chili",
            "hummus",
            "fried rice",
            "apple pie",
            "tacos",
            "onion soup",
            "pumpkin curry",
        ),
        (
            "I finally made {} from scratch yesterday.",
            "My {} turned out awful again, I don't know why.",
            "Thinking about {} for dinner tonight.",
            "My grandmother's {} was the best thing ever.",
            "Any tips for better {}?",
            "I burned the {} and the whole kitchen smells.",
            "We have friends over on Saturday and I promised them {}.",
        ),
    ),
    Theme(  # animals
        (
            "cat",
            "puppy",
            "hamster",
            "parrot",
            "rabbit",
            "old dog",
            "goldfish",
            "guinea pig",
            "tortoise",
            "kitten",
            "horse",
            "ferret",
        ),
        (
            "My {} woke me up at five this morning.",
            "We are adopting a {} next week!",
            "The {} is sick and I'm worried.",
            "What should I name my new {}?",
            "My {} just did the funniest thing.",
            "I miss my {} so much while travelling.",
            "Our neighbour's {} keeps visiting our garden.",
        ),
    ),
    Theme(  # hobbies
        (
            "painting",
            "knitting",
            "chess",
            "photography",
            "gardening",
            "woodworking",
            "pottery",
            "birdwatching",
            "juggling",
            "calligraphy",
            "origami",
            "archery",
        ),
        (
            "I just started {} and I love it already.",
            "I'm terrible at {} but it's fun.",
            "Do you know anything about {}?",
            "I spent the whole weekend on {}.",
            "{} is harder than it looks.",
            "My sister wants me to teach her {}.",
            "After ten years of {} I feel a bit stuck.",
        ),
    ),
    Theme(  # places
        (
            "Lisbon",
            "Tokyo",
            "the Alps",
            "Iceland",
            "New Orleans",
            "Morocco",
            "Scotland",
            "Vietnam",
            "the Grand Canyon",
            "Peru",
            "Norway",
            "Istanbul",
        ),
        (
            "I'm going to {} in two weeks!",
            "Just got back from {}, what a trip.",
            "Is {} worth a visit in winter?",
            "I grew up near {}, actually.",
            "We can't decide between {} and the beach.",
            "Someone stole my bag in {}.",
            "One day I want to move to {} for good.",
        ),
    ),
    Theme(  # sports
        (
            "marathon",
            "tennis match",
            "football game",
            "swimming race",
            "bike tour",
            "yoga class",
            "climbing trip",
            "basketball final",
            "ski weekend",
            "karate exam",
            "rowing regatta",
            "hockey tournament",
        ),
        (
            "I'm so nervous about the {} tomorrow.",
            "We won the {}!",
            "I twisted my ankle at the {}.",
            "How do I prepare for a {}?",
            "I signed up for a {} and now I regret it.",
            "It rained during the whole {}.",
            "Guess who came last in the {}.",
        ),
    ),
    Theme(  # work and study
        (
            "job interview",
            "math exam",
            "presentation",
            "thesis",
            "team meeting",
            "driving test",
            "history essay",
            "night shift",
            "job application",
            "lab report",
            "piano recital",
            "tax return",
        ),
        (
            "My {} is on Friday and I'm not ready.",
            "The {} went better than expected!",
            "I can't focus on my {} at all.",
            "How long does a {} usually take you people?",
            "I completely messed up the {}.",
            "Only one more {} and then I'm free.",
            "Everybody keeps asking me about my {}.",
        ),
    ),
    Theme(  # books, films, games
        (
            "a detective novel",
            "a horror movie",
            "a space opera",
            "a board game",
            "a poetry book",
            "a cooking show",
            "a fantasy series",
            "a racing game",
            "a documentary about whales",
            "a biography",
            "a silent film",
            "a puzzle game",
        ),
        (
            "I started {} last night and couldn't stop.",
            "Can you recommend {}?",
            "My brother gave me {} for my birthday.",
            "I want to write {} some day.",
            "I fell asleep in the middle of {}.",
            "We are looking for {} for a rainy evening.",
            "The ending of {} can ruin everything, I think.",
        ),
    ),
    Theme(  # home
        (
            "washing machine",
            "sofa",
            "balcony",
            "kitchen sink",
            "heating",
            "garage",
            "attic",
            "front door",
            "bookshelf",
            "lawn mower",
            "bathroom mirror",
            "garden fence",
        ),
        (
            "The {} is broken again.",
            "I finally cleaned the {} today.",
            "We want to paint the {} blue.",
            "How do I fix a {}?",
            "I found an old letter behind the {}.",
            "The new {} is beautiful.",
            "My landlord refuses to do anything about the {}.",
        ),
    ),
    Theme(  # feelings
        (
            "tired",
            "lonely",
            "excited",
            "bored",
            "proud",
            "stressed",
            "homesick",
            "relaxed",
            "confused",
            "grateful",
            "restless",
            "nostalgic",
        ),
        (
            "I feel so {} today.",
            "Why am I always {} on Mondays?",
            "Everybody here seems {} this week.",
            "It has been a long day and I'm {}.",
            "My best friend is {} and I want to help.",
            "Music makes me {}.",
            "Being {} is not so bad, I suppose.",
        ),
    ),
    Theme(  # music and machines
        (
            "guitar",
            "laptop",
            "drum kit",
            "phone",
            "violin",
            "camera",
            "bicycle",
            "keyboard",
            "telescope",
            "record player",
            "ukulele",
            "coffee machine",
        ),
        (
            "I bought a second-hand {} yesterday.",
            "My {} makes a strange noise.",
            "Which {} is good for a beginner?",
            "I dropped my {} and it still works.",
            "I want to sell my old {}.",
            "I've been saving for a new {} all year.",
            "Somebody left a {} on the train.",
        ),
    ),
)


def said(*, unseen: bool) -> tuple[str, ...]:
    """Every message of one side, theme by theme."""
    return tuple(text for theme in THEMES for text in said_of(theme, unseen=unseen))


def said_of(theme: Theme, *, unseen: bool) -> tuple[str, ...]:
    """Every message of one theme, of one side."""
    first_thing, first_way = len(theme.things) - UNSEEN_THINGS, len(theme.ways) - UNSEEN_WAYS
    things = theme.things[first_thing:] if unseen else theme.things[:first_thing]
    ways = theme.ways[first_way:] if unseen else theme.ways[:first_way]
    texts = (way.format(thing) for way in ways for thing in things)
    return tuple(f"{text[0].upper()}{text[1:]}" for text in texts)
