"""What a clip can show and how that is said in words. Everything else in the recipe reads these tables."""

from __future__ import annotations

from dataclasses import dataclass

# Red, green, blue of 0 to 255: far enough apart that a pixel tells the name.
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (226, 36, 30),
    "orange": (246, 140, 22),
    "yellow": (250, 220, 40),
    "green": (44, 164, 62),
    "blue": (36, 92, 222),
    "purple": (142, 56, 206),
    "pink": (250, 128, 180),
    "white": (246, 246, 246),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "diamond", "cross")
MOTIONS = ("right", "left", "up", "down", "bounce", "spin", "grow", "shrink", "orbit")
SIZES = ("small", "plain", "big")

# Plain backgrounds are paler than the objects of the same name, so that an object never melts into another colour's wall.
PLAIN_BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "blue": (90, 150, 228),
    "green": (134, 194, 134),
    "white": (236, 236, 236),
    "pink": (246, 190, 212),
    "black": (24, 24, 26),
    "gray": (128, 128, 130),
}
SCENES = ("sunset", "night", "meadow", "ocean")
BACKGROUNDS = tuple(PLAIN_BACKGROUNDS) + SCENES

# An object of the first colour would vanish before the second background.
INVISIBLE = {
    ("blue", "blue"), ("green", "green"), ("white", "white"), ("pink", "pink"),
    ("orange", "sunset"), ("green", "meadow"), ("blue", "ocean"),
}  # fmt: skip

# The first wording of each list is the canonical one, which captions and the scorer's prompts prefer.
COLOUR_WORDS = {
    "red": ["red", "crimson"], "orange": ["orange"], "yellow": ["yellow", "golden"], "green": ["green", "emerald"],
    "blue": ["blue", "azure"], "purple": ["purple", "violet"], "pink": ["pink", "rosy"], "white": ["white", "snowy"],
}  # fmt: skip
SHAPE_WORDS = {
    "circle": ["circle", "ball", "disc"], "square": ["square", "box", "block"], "triangle": ["triangle"],
    "star": ["star"], "heart": ["heart"], "ring": ["ring", "hoop", "donut"], "diamond": ["diamond", "rhombus"],
    "cross": ["cross", "plus sign"],
}  # fmt: skip
MOTION_WORDS = {
    "right": ["moving right", "moves right", "moving to the right", "gliding right", "sliding to the right"],
    "left": ["moving left", "moves left", "moving to the left", "gliding left", "drifting to the left"],
    "up": ["moving up", "moves up", "rising", "floating upward", "going up"],
    "down": ["moving down", "moves down", "falling", "sinking", "dropping downward"],
    "bounce": ["bouncing", "bounces", "hopping", "jumping up and down"],
    "spin": ["spinning", "spins", "rotating", "rotates", "turning around"],
    "grow": ["growing", "grows", "getting bigger", "becoming larger", "expanding"],
    "shrink": ["shrinking", "shrinks", "getting smaller", "becoming smaller"],
    "orbit": ["orbiting", "circling around", "moving in circles", "flying around in circles"],
}
SIZE_WORDS = {"small": ["small", "tiny", "little"], "plain": [""], "big": ["big", "large", "huge"]}
PLAIN_PLACES = ("on a {} background", "over a {} background", "in front of a {} wall", "on {}")
SCENE_PLACES = {
    "sunset": ["at sunset", "in front of a sunset", "under a sunset sky"],
    "night": ["at night", "in the night sky", "under the stars", "under a starry sky"],
    "meadow": ["in a meadow", "over a sunny meadow", "above the grass", "in a green field"],
    "ocean": ["over the ocean", "above the sea", "over the blue water"],
}


@dataclass(frozen=True)
class Subject:
    """What a caption says: one object and its surroundings."""

    colour: str
    shape: str
    motion: str
    background: str
    size: str = "plain"

    @property
    def triple(self) -> tuple[str, str, str]:
        return self.colour, self.shape, self.motion


def can_be_shown(subject: Subject) -> bool:
    """False where the picture would not show what the words say: a spinning disc, a white star on white."""
    turns_unseen = subject.motion == "spin" and subject.shape in ("circle", "ring")
    return not turns_unseen and (subject.colour, subject.background) not in INVISIBLE


def could_change_places(subject: Subject) -> bool:
    """True where the object's colour names a wall and the wall's name an object's colour, which models mix up most."""
    return subject.colour in PLAIN_BACKGROUNDS and subject.background in COLOURS


def is_held_out(subject: Subject) -> bool:
    """One triple of colour, shape and motion in eleven is never trained on. Each single word and each pair is.

    The multipliers have no common divisor with 11, so held-out triples spread over all words.
    """
    colour, shape, motion = subject.triple
    place = 3 * list(COLOURS).index(colour) + 5 * SHAPES.index(shape) + 7 * MOTIONS.index(motion)
    return place % 11 == 0


def all_subjects() -> list[Subject]:
    everything = [
        Subject(colour, shape, motion, background)
        for colour in COLOURS
        for shape in SHAPES
        for motion in MOTIONS
        for background in BACKGROUNDS
    ]
    return [subject for subject in everything if can_be_shown(subject)]
