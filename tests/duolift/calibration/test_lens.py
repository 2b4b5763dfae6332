"""Lenses: what is undone was done, and the formulas are those of OpenCV."""

import numpy as np
import pytest

from duolift.calibration.lens import Lens, rays_of

LENSES = {
    "ideal": Lens((900.0, 910.0), (630.0, 350.0)),
    "barrel": Lens((900.0, 910.0), (630.0, 350.0), (-0.25, 0.08, 0.001, -0.002, -0.01)),
    "rational": Lens((900.0, 910.0), (630.0, 350.0), (0.3, 0.1, 0.001, 0.001, 0.01, 0.4, 0.1, 0.02)),
    "prism": Lens((900.0, 910.0), (630.0, 350.0), (0.0,) * 8 + (0.002, 0.001, -0.001, 0.001)),
    "fisheye": Lens((500.0, 500.0), (640.0, 360.0), (0.05, -0.02, 0.003, 0.001), "fisheye"),
}
PIXELS = np.stack(np.meshgrid(np.linspace(0, 1280, 9), np.linspace(0, 720, 7)), axis=-1)


@pytest.mark.parametrize("name", LENSES)
def test_a_ray_leads_to_its_pixel(name: str) -> None:
    lens = LENSES[name]
    rays = lens.rays(PIXELS)
    points = np.concatenate([rays, np.ones_like(rays[..., :1])], axis=-1)
    np.testing.assert_allclose(lens.pixels(3 * points), PIXELS, atol=1e-6)


def test_distortion_is_opencvs() -> None:
    """By hand: x = 0.3, y = 0.2, r2 = 0.13."""
    lens = Lens((1.0, 1.0), (0.0, 0.0), (0.1, 0.2, 0.01, 0.02))
    radial = 1 + 0.1 * 0.13 + 0.2 * 0.13**2
    expected = [
        0.3 * radial + 2 * 0.01 * 0.06 + 0.02 * (0.13 + 2 * 0.09),
        0.2 * radial + 0.01 * (0.13 + 2 * 0.04) + 2 * 0.02 * 0.06,
    ]
    np.testing.assert_allclose(lens.pixels(np.array([0.3, 0.2, 1.0])), expected, atol=1e-12)


def test_a_fisheye_sees_angles() -> None:
    lens = Lens((400.0, 400.0), (0.0, 0.0), (), "fisheye")
    angle = np.radians(70)
    np.testing.assert_allclose(lens.pixels(np.array([np.tan(angle), 0.0, 1.0])), [400 * angle, 0], atol=1e-6)


def test_beyond_its_rim_a_lens_shows_nothing() -> None:
    assert np.isnan(LENSES["fisheye"].rays(np.array([5000.0, 360.0]))).all()
    assert np.isnan(Lens((500.0, 500.0), (0.0, 0.0), (-0.3, 0.0, 0.0, 0.0)).rays(np.array([450.0, 0.0]))).all()


def test_frames_may_have_lenses_of_their_own() -> None:
    lenses = [LENSES["ideal"], LENSES["fisheye"], LENSES["ideal"]]
    found = rays_of(lenses, np.stack([PIXELS] * 3))
    for frame, lens in enumerate(lenses):
        np.testing.assert_array_equal(found[frame], lens.rays(PIXELS))
