"use strict";
// Where things are: a scene's world coordinates (x right, y up, z towards the camera, metres, which are three.js's as
// well), its camera's (x right, y down, z forward) and pixels.

const Coordinates = (() => {
  const vector = (point) => new THREE.Vector3(...point);

  function axes(scene, frame) {
    // rows: the world's x, y and z in the camera's coordinates
    const [y, ahead] = [vector(scene.up[frame]).normalize(), new THREE.Vector3(0, 0, 1)];
    const x = ahead.clone().cross(y);
    if (x.length() < 1e-6) x.set(1, 0, 0);
    x.normalize();
    const z = x.clone().cross(y),
      heading = scene.heading?.[frame] || 0,
      [cos, sin] = [Math.cos(heading), Math.sin(heading)];
    const turned = (alongX, alongZ) => x.clone().multiplyScalar(alongX).addScaledVector(z, alongZ);
    return [turned(cos, sin), y, turned(-sin, cos)];
  }

  function place(scene, frame) {
    // where the camera is in the world
    const [x, z] = scene.place?.[frame] || [0, 0];
    return new THREE.Vector3(x, scene.height[frame], z);
  }

  function lensOf(scene, frame) {
    const { lenses, focal, image } = scene;
    if (lenses?.length) return lenses[lenses.length > 1 ? frame : 0];
    return { model: "opencv", focal: [focal, focal], principal: image.map((side) => side / 2), distortion: [] };
  }

  function distorted({ model, distortion }, x, y) {
    // slopes as a lens bends them: OpenCV's models
    const k = Array.from({ length: 12 }, (_, number) => distortion[number] || 0),
      r2 = x * x + y * y;
    if (model === "fisheye") {
      const r = Math.sqrt(r2),
        angle = Math.atan(r),
        a2 = angle * angle;
      const bent = r > 1e-8 ? (angle * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))))) / r : 1;
      return [x * bent, y * bent];
    }
    const radial = (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) / (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])));
    return [
      x * radial + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x) + r2 * (k[8] + r2 * k[9]),
      y * radial + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y + r2 * (k[10] + r2 * k[11]),
    ];
  }

  function ray(scene, frame, [u, v]) {
    // the slopes of the ray through a pixel; steps of fixed-point iteration undo the distortion
    const lens = lensOf(scene, frame),
      bent = [(u - lens.principal[0]) / lens.focal[0], (v - lens.principal[1]) / lens.focal[1]];
    let [x, y] = bent;
    if (lens.model !== "fisheye" && !lens.distortion.some(Boolean)) return bent;
    for (let step = 0; step < 30; step++) {
      const found = distorted(lens, x, y);
      x = Math.max(-9, Math.min(9, x + bent[0] - found[0]));
      y = Math.max(-9, Math.min(9, y + bent[1] - found[1]));
    }
    return [x, y];
  }

  function toCamera(scene, frame, point) {
    const [x, y, z] = axes(scene, frame),
      off = vector(point).sub(place(scene, frame));
    return new THREE.Vector3().addScaledVector(x, off.x).addScaledVector(y, off.y).addScaledVector(z, off.z);
  }

  function fromCamera(scene, frame, point) {
    return vector(axes(scene, frame).map((row) => row.dot(vector(point)))).add(place(scene, frame));
  }

  function toPixels(scene, frame, point) {
    const { x, y, z } = toCamera(scene, frame, point);
    if (z <= 0.05) return null;
    const lens = lensOf(scene, frame),
      [across, down] = distorted(lens, x / z, y / z);
    return [lens.focal[0] * across + lens.principal[0], lens.focal[1] * down + lens.principal[1]];
  }

  const side = (joint) => (joint.startsWith("left_") ? 1 : 0);
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

  return { vector, place, lensOf, ray, toCamera, fromCamera, toPixels, side, median };
})();
