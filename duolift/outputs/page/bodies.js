"use strict";
// A person as a body: tapered limbs, a head, and a torso of elliptic cross sections (duolift/outputs/volumes.py).

const Bodies = (() => {
  const { vector, side, median } = Coordinates;
  const AROUND = 28, // corners of what is round
    AROUND_LIMB = 16; // of what is as thin as a limb: a third of a pixel, and a third of the triangles
  const FILLED = 0.35; // opacity of what was filled in
  const TORSO = ["pelvis", "neck", "right_hip", "left_hip", "right_shoulder", "left_shoulder"];
  const WITHIN_TORSO = ["spine", "neck", "right_hip", "left_hip"];
  const GHOST = new THREE.MeshBasicMaterial({ colorWrite: false, transparent: true, side: THREE.DoubleSide });
  const UP = new THREE.Vector3(0, 1, 0);
  const ball = (around) => new THREE.SphereGeometry(1, around, around / 2);
  const [HEAD, JOINT] = [ball(AROUND), ball(AROUND_LIMB)];
  const plain = (joint) => joint.replace(/^(left|right)_/, "");

  function scaleOf(scene, person, shape) {
    const [pelvis, neck] = ["pelvis", "neck"].map((joint) => scene.joints.indexOf(joint));
    const poses = scene.people.map((people) => people[person]).filter(Boolean);
    if (neck < 0 || !poses.length) return 1;
    const length = median(poses.map((pose) => vector(pose[neck]).distanceTo(vector(pose[pelvis]))));
    return Math.min(shape.scales[1], Math.max(shape.scales[0], length / shape.torso_length));
  }

  function label(text, colour) {
    const canvas = document.createElement("canvas"),
      size = 96;
    canvas.width = canvas.height = size;
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(size / 2, size / 2, size / 2 - 4, 0, 7);
    pen.fill();
    pen.lineWidth = 6;
    pen.strokeStyle = "#fff";
    pen.stroke();
    pen.fillStyle = "#fff";
    pen.font = `600 ${text.length > 2 ? 34 : 50}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(text, size / 2, size / 2 + 3);
    const map = new THREE.CanvasTexture(canvas);
    map.colorSpace = THREE.SRGBColorSpace;
    return new THREE.Sprite(new THREE.SpriteMaterial({ map, sizeAttenuation: false, depthTest: false }));
  }

  class Person {
    constructor(scene, person, colours, shape) {
      Object.assign(this, { scene, shape, group: new THREE.Group(), owned: [] });
      this.scale = scaleOf(scene, person, shape);
      this.at = Object.fromEntries(scene.joints.map((joint, index) => [joint, index]));
      this.materials = colours.map((color) =>
        [false, true].map((filled) => {
          const look = filled ? { transparent: true, opacity: FILLED } : {};
          return this.keep(new THREE.MeshLambertMaterial({ color, side: THREE.DoubleSide, ...look }));
        }),
      );
      this.torso = TORSO.every((joint) => joint in this.at) ? this.sheet(shape.torso.length) : null;
      this.limbs = [];
      this.balls = [];
      const headed = "head" in this.at;
      for (const [child, parent] of scene.bones) {
        if ((headed && child === "head_top") || (this.torso && WITHIN_TORSO.includes(child))) continue;
        const end = shape.radii[plain(child)] * this.scale,
          start = Math.min(shape.radii[plain(parent)] * this.scale, 1.5 * end);
        const tube = this.keep(new THREE.CylinderGeometry(end, start, 1, AROUND_LIMB, 1, true).translate(0, 0.5, 0));
        this.limbs.push({ child, parent, mesh: this.mesh(tube) });
        this.balls.push({ joint: child, from: child, radius: end, mesh: this.mesh(JOINT) });
        this.balls.push({ joint: parent, from: child, radius: start, mesh: this.mesh(JOINT) });
      }
      this.head = headed ? this.mesh(HEAD) : null;
      this.label = label(String(scene.identities[person]), colours[0]);
      this.group.add(this.label);
    }

    keep(resource) {
      this.owned.push(resource);
      return resource;
    }

    mesh(geometry) {
      const made = new THREE.Mesh(geometry, this.materials[0][0]);
      made.castShadow = true;
      // what is seen through is first drawn into the depths alone, so that parts within one another stay one layer
      const ghost = new THREE.Mesh(geometry, GHOST);
      ghost.renderOrder = 1;
      made.renderOrder = 2;
      made.add(ghost);
      this.group.add(made);
      return made;
    }

    sheet(rings) {
      // a closed surface through so many rings, and a point at both ends
      const faces = [],
        last = rings * AROUND + 1;
      const place = (ring, step) => 1 + ring * AROUND + (step % AROUND);
      for (let step = 0; step < AROUND; step++) {
        faces.push(0, place(0, step), place(0, step + 1), last, place(rings - 1, step + 1), place(rings - 1, step));
        for (let ring = 0; ring < rings - 1; ring++) {
          const [a, b, c, d] = [place(ring, step), place(ring, step + 1), place(ring + 1, step), place(ring + 1, step + 1)];
          faces.push(a, c, b, b, c, d);
        }
      }
      const geometry = this.keep(new THREE.BufferGeometry());
      geometry.setAttribute("position", new THREE.Float32BufferAttribute(new Float32Array(3 * (last + 1)), 3));
      geometry.setIndex(faces);
      const made = this.mesh(geometry);
      for (const mesh of [made, made.children[0]]) mesh.frustumCulled = false; // its bounds change with every frame
      return made;
    }

    paint(mesh, left, ...seen) {
      const filled = !seen.every(Boolean);
      mesh.material = this.materials[left][filled ? 1 : 0];
      mesh.children[0].visible = filled;
    }

    show(pose, seen) {
      this.group.visible = Boolean(pose);
      if (!pose) return;
      const at = (joint) => vector(pose[this.at[joint]]),
        sees = (joint) => seen[this.at[joint]];
      for (const { child, parent, mesh } of this.limbs) {
        const [start, along] = [at(parent), at(child).sub(at(parent))];
        mesh.position.copy(start);
        mesh.scale.y = Math.max(along.length(), 1e-4);
        mesh.quaternion.setFromUnitVectors(UP, along.normalize());
        this.paint(mesh, side(child), sees(child), sees(parent));
      }
      for (const { joint, from, radius, mesh } of this.balls) {
        mesh.position.copy(at(joint));
        mesh.scale.setScalar(radius);
        this.paint(mesh, side(from), sees(joint), sees(from));
      }
      if (this.head) {
        const along = at("head_top").sub(at("head")),
          wide = this.shape.head * this.scale;
        this.head.position.copy(at("head")).addScaledVector(along, this.shape.head_at);
        this.head.scale.set(wide, wide * this.shape.head_length, wide);
        this.head.quaternion.setFromUnitVectors(UP, along.normalize());
        this.paint(this.head, 0, sees("head") || sees("head_top"));
      }
      if (this.torso) this.wrap(at, sees);
      this.label.position.copy(at("head_top"));
      this.label.position.y += 0.2 * this.scale;
    }

    wrap(at, sees) {
      // the torso round pelvis, hips, shoulders and neck
      const [pelvis, neck] = [at("pelvis"), at("neck")];
      const hips = at("left_hip").sub(at("right_hip")),
        shoulders = at("left_shoulder").sub(at("right_shoulder"));
      const [wide, broad] = [hips.length(), shoulders.length()];
      hips.normalize();
      shoulders.normalize();
      const spine = neck.clone().sub(pelvis),
        up = spine.clone().normalize(),
        points = [];
      for (const ring of this.shape.torso) {
        const across = hips.clone().lerp(shoulders, Math.min(1, Math.max(0, ring.along)));
        across.addScaledVector(up, -across.dot(up)).normalize();
        const ahead = across.clone().cross(up).multiplyScalar(ring.depth * this.scale);
        across.multiplyScalar(ring.hips * wide + ring.shoulders * broad);
        const centre = pelvis.clone().addScaledVector(spine, ring.along);
        if (!points.length) points.push(centre.clone());
        for (let step = 0; step < AROUND; step++) {
          const turn = (2 * Math.PI * step) / AROUND;
          points.push(centre.clone().addScaledVector(across, Math.cos(turn)).addScaledVector(ahead, Math.sin(turn)));
        }
        if (ring === this.shape.torso.at(-1)) points.push(centre);
      }
      const places = this.torso.geometry.attributes.position;
      points.forEach((point, index) => places.setXYZ(index, point.x, point.y, point.z));
      places.needsUpdate = true;
      this.torso.geometry.computeVertexNormals();
      this.paint(this.torso, 0, ...TORSO.slice(2).map(sees));
    }

    dispose() {
      for (const resource of this.owned) resource.dispose();
      this.label.material.map.dispose();
      this.label.material.dispose();
      this.group.removeFromParent();
    }
  }

  return { Person };
})();
