"""Frames of files in which an image's people are in no order: each is given as soon as its last person was read.

COCO's annotations and results list people, each with the number of the image. Such a file is gone through twice: first
to count each image's people, then to read them. So no more than the images that are still incomplete is in memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from duolift.inputs.people import JointReader, RawFrame, RawPerson


@dataclass
class PendingImage:
    """An image some of whose people have not been read yet.

    Attributes:
        name, video, image, focal, rate: as of `duolift.inputs.detections.Frame`.
        number: of the frame in the video, where it is not the one in the name.
        labelled: somebody looked for people in it; an image that nobody labelled is no frame, unless it has people.
        missing: how many people are still to come.
        people: those who have come.
    """

    name: str
    video: str
    image: tuple[float, float] | None = None
    labelled: bool = True
    number: int | None = None
    focal: float | None = None
    rate: float | None = None
    missing: int = 0
    people: list[RawPerson] = field(default_factory=list)


def frames_in_order(
    images: dict[Any, PendingImage],
    people: Iterable[tuple[Any, RawPerson | None]],
    joints: JointReader,
    images_of_people: Iterable[Any],
) -> Iterator[RawFrame]:
    """Frames in the order of `images`, each as soon as its people are complete.

    Args:
        images: id -> image; emptied on the way.
        people: image id and person, or None for an entry that is not to be used.
        joints: what the people are read with.
        images_of_people: image ids of `people`, gone through before them.

    >>> images = {1: PendingImage("1.jpg", ""), 2: PendingImage("2.jpg", "")}
    >>> from duolift.inputs.people import BY_COUNT
    >>> frames = frames_in_order(images, [(2, None), (1, None)], JointReader("a.json", BY_COUNT), [2, 1])
    >>> [frame.name for frame in frames]
    ['1.jpg', '2.jpg']
    """
    for key, count in Counter(images_of_people).items():
        if key in images:
            images[key].missing = count
    order = iter([key for key, image in images.items() if image.labelled or image.missing])
    head = next(order, None)
    for key, person in people:
        images[key].missing -= 1
        images[key].people += [] if person is None else [person]
        while head is not None and images[head].missing == 0:
            yield _complete(images.pop(head), joints)
            head = next(order, None)
    while head is not None:
        yield _complete(images.pop(head), joints)
        head = next(order, None)


def _complete(image: PendingImage, joints: JointReader) -> RawFrame:
    return RawFrame(
        image.name,
        image.video,
        image.people,
        joints.keypoint_format,
        image.image,
        image.focal,
        number=image.number,
        rate=image.rate,
    )
