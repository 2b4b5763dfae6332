"use strict";
// Where things are: a scene's world coordinates (x right, y up, z towards the camera, metres, which are three.js's as
// well), its camera's (x right, y down, z forward) and pixels.

const Coordinates = (() => {
  const vector = (point) => new THREE.Vector3(...point);

  function axes(up) {
    // rows: the world's x, y and z in the camera's coordinates
    const [y, ahead] = [vector(up).normalize(), new THREE.Vector3(0, 0, 1)];
    const x = ahead.clone().cross(y);
    if (x.length() < 1e-6) x.set(1, 0, 0);
    x.normalize();
    return [x, y, x.clone().cross(y)];
  }

  function toCamera(scene, frame, point) {
    const [x, y, z] = axes(scene.up[frame]);
    return new THREE.Vector3()
      .addScaledVector(x, point[0])
      .addScaledVector(y, point[1] - scene.height[frame])
      .addScaledVector(z, point[2]);
  }

  function fromCamera(scene, frame, point) {
    const found = vector(axes(scene.up[frame]).map((row) => row.dot(vector(point))));
    found.y += scene.height[frame];
    return found;
  }

  function toPixels(scene, frame, point) {
    const { x, y, z } = toCamera(scene, frame, point),
      [width, height] = scene.image;
    return z > 0.05 ? [(scene.focal * x) / z + width / 2, (scene.focal * y) / z + height / 2] : null;
  }

  const side = (joint) => (joint.startsWith("left_") ? 1 : 0);
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

  return { vector, toCamera, fromCamera, toPixels, side, median };
})();
