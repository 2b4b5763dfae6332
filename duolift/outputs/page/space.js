"use strict";
// The scene in 3D: people on the ground, the camera with what it sees, and from where to look at them.

const Space = (() => {
  const { vector, place, lensOf, ray, fromCamera, toCamera } = Coordinates;
  const MARGIN = 0.7; // metres of ground around everybody
  const LENS = 32, // degrees that a perspective view spans from top to bottom
    LONG_LENS = 4; // of a view that hardly has a perspective
  const HIGHEST_POLAR = Math.PI / 2 - 0.01; // from straight above: never from below the ground
  const LOWEST = 0.05; // metres above the ground that the viewer stays
  const NUMBER = 0.045; // of the picture's height: how tall a person's number is
  const VIEWS = {
    // which way from the people, and how wide the lens is
    round: { from: [0.5, 0.32, 1], lens: LENS },
    front: { from: [0, 0.02, 1], lens: LONG_LENS },
    side: { from: [1, 0.02, 0], lens: LONG_LENS },
    above: { from: [0, 1, 0.001], lens: LONG_LENS },
    camera: { from: [1, 0.5, 0.55], lens: LENS, camera: true },
    eye: {},
  };
  const APART = 0.6; // metres between two people from which neither hides the other
  const CELLS = 24; // of a picture, to either side, that a lens may bend
  const FINE = { pixels: Math.min(2, window.devicePixelRatio || 1), shadows: 2048 },
    COARSE = { pixels: 0.5, shadows: 512 }; // of a moving picture, where there is no graphics card
  const SLOW = 80, // milliseconds that one takes to draw from which on it counts as such
    OFTEN = 3, // so many of them, one after the other
    STILL = 700; // milliseconds without another one, after which it is drawn finely again
  const COLOURS = { ground: 0xe8ecf2, metres: 0xa3b0c2, halves: 0xcdd5e0, camera: 0x5d6880 };

  function apart(scene, [x, , z]) {
    // how far apart the nearest two people look from there, summed over some of the frames
    const root = Math.max(0, scene.joints.indexOf("pelvis")),
      step = Math.max(1, Math.floor(scene.names.length / 200));
    let sum = 0;
    for (let frame = 0; frame < scene.names.length; frame += step) {
      const across = scene.people[frame]
        .filter(Boolean)
        .map((pose) => (pose[root][0] * z - pose[root][2] * x) / Math.hypot(x, z))
        .sort((one, other) => one - other);
      sum += Math.min(APART, ...across.slice(1).map((value, number) => value - across[number]));
    }
    return sum;
  }

  class Space {
    constructor(holder, settings) {
      Object.assign(this, { holder, settings, people: [], fixed: [], view: "round", photograph: false, waiting: false });
      Object.assign(this, { slow: 0, fineness: null });
      this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
      this.renderer.shadowMap.enabled = true;
      holder.append(this.renderer.domElement);
      this.world = new THREE.Scene();
      this.world.add(new THREE.HemisphereLight(0xffffff, 0xb4bccb, 2.2));
      this.sun = new THREE.DirectionalLight(0xffffff, 1.7);
      this.sun.castShadow = true;
      this.sun.shadow.radius = 4;
      this.sun.shadow.normalBias = 0.02;
      this.world.add(this.sun, this.sun.target);
      this.refine(FINE);
      this.eye = new THREE.PerspectiveCamera(LENS, 1, 0.05, 1000);
      this.controls = new THREE.OrbitControls(this.eye, this.renderer.domElement);
      this.controls.maxPolarAngle = HIGHEST_POLAR;
      this.controls.addEventListener("start", () => {
        this.turned = true;
        if (this.view === "eye") this.leave();
      });
      this.controls.addEventListener("change", () => {
        this.stayAbove();
        this.later();
      });
      this.picture = new THREE.Mesh(
        new THREE.PlaneGeometry(1, 1, CELLS, CELLS),
        new THREE.MeshBasicMaterial({ map: new THREE.Texture(), side: THREE.DoubleSide }),
      );
      const frame = new THREE.BufferGeometry();
      frame.setAttribute("position", new THREE.Float32BufferAttribute(new Float32Array(3 * 16), 3));
      this.frustum = new THREE.LineSegments(frame, new THREE.LineBasicMaterial({ color: COLOURS.camera }));
      this.frustum.frustumCulled = this.picture.frustumCulled = false;
      this.world.add(this.picture, this.frustum);
      new ResizeObserver(() => this.resize()).observe(holder);
      this.resize();
    }

    stayAbove() {
      // moving sideways must not lead below the ground either
      const { target } = this.controls;
      if (this.view !== "eye" && target.y < 0) {
        this.eye.position.y -= target.y;
        target.y = 0;
      }
      if (this.eye.position.y < LOWEST) this.eye.position.y = LOWEST;
      this.holder.dataset.eye = this.eye.position.toArray().map((metres) => metres.toFixed(2)); // for tests
    }

    follow(scene) {
      // the next frame of a webcam: the same people go on, and the ground stays for as long as they are on it
      const same = this.live && String(scene.identities) === String(this.scene.identities);
      const box = this.live ? this.points : null;
      if (same) {
        this.scene = scene;
        const { low, high } = this.measure();
        if (!box.some || (box.low.clone().min(low).equals(box.low) && box.high.clone().max(high).equals(box.high))) {
          if (this.view === "eye") this.look("eye");
          if (box.some || !scene.people[0].some(Boolean)) return;
        }
      }
      this.open(scene, box?.some ? box : null);
      this.live = true;
      if (!this.turned) this.look(this.view);
    }

    open(scene, around = null) {
      this.live = false;
      for (const person of this.people) person.dispose();
      for (const thing of this.fixed) {
        thing.removeFromParent();
        thing.geometry.dispose();
        thing.material.dispose();
      }
      Object.assign(this, { scene, frame: 0, fixed: [], people: [] });
      this.people = scene.identities.map(
        (_, number) =>
          new Bodies.Person(scene, number, this.settings.colours[number % this.settings.colours.length], this.settings.shape),
      );
      this.world.add(...this.people.map((person) => person.group));
      this.points = this.measure(around);
      if (!around) this.views = { ...VIEWS, round: { ...VIEWS.round, from: this.fromWhere() } };
      this.lay();
    }

    measure(around = null) {
      // where people are over the whole sequence: their joints in some of the frames, and room for their numbers
      const points = around ? [around.low, around.high] : [],
        count = this.scene.names.length,
        step = Math.max(1, Math.floor(count / 200));
      for (let frame = 0; frame < count; frame += step)
        for (const pose of this.scene.people[frame])
          for (const [joint, place] of (pose || []).entries()) if (joint % 2 === 0 || count < 20) points.push(vector(place));
      const some = points.length > 0;
      if (!some) points.push(new THREE.Vector3(-1, 0, -3), new THREE.Vector3(1, 1.8, -5));
      const low = points.reduce((least, point) => least.clone().min(point), points[0]),
        high = points.reduce((most, point) => most.clone().max(point), points[0]);
      low.addScalar(-0.15);
      high.addScalar(0.15);
      for (const x of [low.x, high.x]) for (const z of [low.z, high.z]) points.push(new THREE.Vector3(x, high.y + 0.3, z));
      return { points, low, high, some };
    }

    fromWhere() {
      // a view from the camera's right, or from its left where people hide each other less from there
      const right = VIEWS.round.from,
        left = [-right[0], right[1], right[2]];
      return apart(this.scene, left) > apart(this.scene, right) ? left : right;
    }

    lay() {
      // the ground, with a line every half metre, and the sun above it
      const { low, high } = this.points;
      const [x0, z0] = [low.x, low.z].map((value) => Math.floor(value - MARGIN)),
        [x1, z1] = [high.x, high.z].map((value) => Math.ceil(value + MARGIN));
      const lines = { true: [], false: [] };
      for (let x = x0; x <= x1; x += 0.5) lines[Number.isInteger(x)].push(x, 0.002, z0, x, 0.002, z1);
      for (let z = z0; z <= z1; z += 0.5) lines[Number.isInteger(z)].push(x0, 0.002, z, x1, 0.002, z);
      const slab = new THREE.Mesh(
        new THREE.PlaneGeometry(x1 - x0, z1 - z0).rotateX(-Math.PI / 2),
        new THREE.MeshBasicMaterial({ color: COLOURS.ground }),
      );
      this.slab = slab;
      const shadows = new THREE.Mesh(slab.geometry.clone(), new THREE.ShadowMaterial({ opacity: 0.16 }));
      slab.position.set((x0 + x1) / 2, -0.006, (z0 + z1) / 2);
      shadows.position.copy(slab.position).setY(-0.003);
      shadows.receiveShadow = true;
      this.fixed.push(slab, shadows);
      for (const whole of [false, true]) {
        const grid = new THREE.BufferGeometry();
        grid.setAttribute("position", new THREE.Float32BufferAttribute(lines[whole], 3));
        const color = whole ? COLOURS.metres : COLOURS.halves;
        this.fixed.push(new THREE.LineSegments(grid, new THREE.LineBasicMaterial({ color })));
      }
      const path = this.scene.names.map((_, number) => place(this.scene, number));
      if (path.some((where) => where.distanceTo(path[0]) > 0.01)) {
        // where the camera went
        const line = new THREE.BufferGeometry().setFromPoints(path.slice(1).flatMap((where, step) => [path[step], where]));
        this.fixed.push(new THREE.LineSegments(line, new THREE.LineBasicMaterial({ color: COLOURS.camera })));
      }
      this.world.add(...this.fixed);
      const middle = low.clone().add(high).multiplyScalar(0.5),
        reach = 0.5 * Math.hypot(x1 - x0, z1 - z0) + 1;
      this.sun.target.position.copy(middle);
      this.sun.position.copy(middle).add(new THREE.Vector3(-0.22, 1, 0.28).multiplyScalar(2 * reach));
      Object.assign(this.sun.shadow.camera, { left: -reach, right: reach, top: reach, bottom: -reach, far: 5 * reach });
      this.sun.shadow.camera.updateProjectionMatrix();
    }

    show(frame, placement) {
      Object.assign(this, { frame, placement });
      const poses = this.scene.names.length ? this.scene[placement][frame] : [];
      this.people.forEach((person, number) => person.show(poses[number], this.scene.seen[frame]?.[number]));
      if (this.view === "eye" && this.scene.up.length) {
        this.lookThrough(); // it may have moved
        this.controls.update();
      }
      this.placeCamera();
      this.later();
    }

    paint(image) {
      // what the camera sees, on its frustum; null where there is no picture
      const texture = this.picture.material.map;
      if (image && (texture.image?.width !== image.width || texture.image?.height !== image.height)) texture.dispose();
      texture.image = image;
      texture.colorSpace = THREE.SRGBColorSpace;
      if (image) texture.needsUpdate = true;
      this.photograph = Boolean(image);
      this.placeCamera();
      this.later();
    }

    depths() {
      // how far ahead of the camera people are
      const { scene, frame } = this,
        poses = scene.people[frame] || [];
      const found = poses.flatMap((pose) => (pose || []).map((point) => toCamera(scene, frame, point).z));
      return found.length ? [Math.min(...found), Math.max(...found)] : [3, 5];
    }

    placeCamera() {
      // the frustum ends before the people, or behind them for who looks through the camera
      const { scene, frame } = this,
        through = this.view === "eye" || this.view === "left";
      const shown = Boolean(scene?.up.length) && this.view !== "front"; // from where it would stand before the people
      this.frustum.visible = shown && !through;
      this.picture.visible = shown && this.photograph;
      if (!shown) {
        if (this.slab) this.slab.visible = true;
        return;
      }
      const behind = this.view === "eye" && this.picture.visible; // all else, the ground too
      this.slab.visible = !behind;
      this.picture.material.depthTest = this.picture.material.depthWrite = !behind;
      this.picture.renderOrder = behind ? -1 : 0;
      const [near, far] = this.depths(),
        reach = through ? far + 1 : Math.min(0.45 * Math.max(near, 0.4), this.picture.visible ? 1.2 : 0.4);
      const [width, height] = scene.image;
      const at = (x, y) => {
        const [across, down] = ray(scene, frame, [x * width, y * height]);
        return fromCamera(scene, frame, [reach * across, reach * down, reach]);
      };
      const eye = place(scene, frame),
        corners = [at(0, 0), at(1, 0), at(1, 1), at(0, 1)];
      const lines = corners.flatMap((corner, number) => [corner, corners[(number + 1) % 4], eye, corner]);
      const places = this.frustum.geometry.attributes.position;
      lines.forEach((point, index) => places.setXYZ(index, point.x, point.y, point.z));
      places.needsUpdate = true;
      if (!this.picture.visible) return;
      const pixels = this.picture.geometry.attributes.position; // row by row from the top, as straight as the world is
      for (let row = 0; row <= CELLS; row++)
        for (let column = 0; column <= CELLS; column++) {
          const { x, y, z } = at(column / CELLS, row / CELLS);
          pixels.setXYZ(row * (CELLS + 1) + column, x, y, z);
        }
      pixels.needsUpdate = true;
    }

    look(view) {
      this.view = view;
      this.turned = false;
      if (!this.scene) return;
      this.controls.minPolarAngle = 0;
      if (view === "eye" && this.scene.up.length) this.lookThrough();
      else this.lookFrom(this.views[view] || this.views.round);
      this.eye.updateProjectionMatrix();
      const tall = NUMBER * 2 * Math.tan((this.eye.fov * Math.PI) / 360);
      for (const person of this.people) person.label.scale.set(tall, tall, 1);
      this.placeCamera();
      this.controls.update();
      this.later();
    }

    leave() {
      // whoever turns the view through the camera sees the picture stand behind the people
      this.view = "left";
      this.controls.maxPolarAngle = HIGHEST_POLAR;
      this.placeCamera();
    }

    lookThrough() {
      const { scene, frame, eye } = this,
        [width, height] = scene.image;
      const [across, down] = lensOf(scene, frame).focal,
        tall = Math.max(height / 2 / down, width / 2 / across / eye.aspect);
      eye.fov = (2 * Math.atan(tall) * 180) / Math.PI;
      eye.position.copy(place(scene, frame));
      const [near, far] = this.depths();
      this.controls.maxPolarAngle = Math.PI; // its axis may lead below the ground or to the sky
      this.controls.target.copy(fromCamera(scene, frame, [0, 0, (near + far) / 2]));
    }

    lookFrom({ from, lens, camera }) {
      const { eye, scene, frame } = this,
        points = [...this.points.points];
      if (camera && scene.up.length) points.push(place(scene, frame));
      const direction = vector(from).normalize(),
        right = new THREE.Vector3(0, 1, 0).cross(direction).normalize(),
        up = direction.clone().cross(right);
      eye.fov = lens;
      const tall = Math.tan((lens * Math.PI) / 360) * 0.9, // some room for the buttons
        wide = tall * eye.aspect;
      const span = (axis) => {
        const values = points.map((point) => point.dot(axis));
        return (Math.min(...values) + Math.max(...values)) / 2;
      };
      const target = [right, up, direction].reduce(
        (sum, axis) => sum.addScaledVector(axis, span(axis)),
        new THREE.Vector3(),
      );
      let distance = 1;
      for (const point of points) {
        const off = point.clone().sub(target);
        const aside = Math.max((Math.abs(off.dot(up)) + 0.12) / tall, (Math.abs(off.dot(right)) + 0.12) / wide);
        distance = Math.max(distance, off.dot(direction) + aside);
      }
      this.controls.maxPolarAngle = HIGHEST_POLAR;
      this.controls.target.copy(target);
      eye.position.copy(target).addScaledVector(direction, distance);
    }

    resize() {
      const [width, height] = [this.holder.clientWidth || 1, this.holder.clientHeight || 1];
      this.renderer.setSize(width, height);
      this.eye.aspect = width / height;
      this.eye.updateProjectionMatrix();
      if (this.scene) this.look(this.view);
    }

    later() {
      if (this.waiting) return;
      this.waiting = true;
      clearTimeout(this.still);
      requestAnimationFrame(() => {
        this.waiting = false;
        const coarsely = this.slow >= OFTEN;
        this.draw(coarsely ? COARSE : FINE);
        if (coarsely) this.still = setTimeout(() => this.draw(FINE), STILL);
        else this.time();
      });
    }

    draw(fineness) {
      this.refine(fineness);
      this.renderer.render(this.world, this.eye);
    }

    refine(fineness) {
      if (this.fineness === fineness) return;
      this.fineness = fineness;
      this.renderer.setPixelRatio(fineness.pixels);
      this.sun.shadow.mapSize.set(fineness.shadows, fineness.shadows);
      this.sun.shadow.map?.dispose();
      this.sun.shadow.map = null;
    }

    time() {
      // what is drawn without a graphics card holds up the browser's next picture
      const began = performance.now();
      requestAnimationFrame(() => {
        this.slow = performance.now() - began > SLOW ? this.slow + 1 : 0;
      });
    }
  }

  return Space;
})();
