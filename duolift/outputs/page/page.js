"use strict";
// Shows a scene (docs/scene.md) and steps through it. Text from files is only ever set as text.
// Plotly's z is up: a point (x, y, z) of the scene is drawn at (x, -z, y).

(() => {
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const $ = (id) => document.getElementById(id);

  const METRES_A_UNIT = 2; // of Plotly's box
  const MARGIN = 0.6; // metres of ground around everybody
  const THICK = {
    spine: 0.055,
    neck: 0.05,
    head: 0.035,
    head_top: 0.035,
    hip: 0.05,
    knee: 0.05,
    ankle: 0.04,
    foot: 0.03,
    toe: 0.025,
    shoulder: 0.042,
    elbow: 0.038,
    wrist: 0.032,
    hand: 0.026,
    thumb: 0.018,
    pelvis: 0.055,
  };
  const HEAD = 0.105; // metres, radius
  const FILLED = 0.32; // opacity of what was filled in
  const LIT = { ambient: 0.62, diffuse: 0.65, specular: 0.12, roughness: 0.6, fresnel: 0.05 };
  const FLAT = { ambient: 1, diffuse: 0, specular: 0 }; // Plotly's light fails without perspective
  const MESH = {
    type: "mesh3d",
    hoverinfo: "skip",
    flatshading: false,
    lightposition: { x: -2000, y: -6000, z: 9000 },
  };

  const FROM = {
    // which way from the people, of every view
    round: [0.5, 0.36, 1],
    front: [0, 0.02, 1],
    side: [1, 0.02, 0],
    above: [0, 1, 0.001],
    camera: [1, 0.55, 0.25],
  };

  let scene = null; // what is shown
  let frame = 0;
  let placement = "people";
  let view = "round";
  let playing = null; // when it began, and at which frame
  let box = null; // what Plotly's axes span

  // ---- geometry -------------------------------------------------------------------------------------------------

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const plus = (a, b, times = 1) => a.map((value, axis) => value + times * b[axis]);
  const minus = (a, b) => plus(a, b, -1);
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const unit = (a) => {
    const length = Math.hypot(...a) || 1;
    return a.map((value) => value / length);
  };
  const drawn = ([x, y, z]) => [x, -z, y];
  const side = (joint) => (joint.startsWith("left_") ? 1 : 0);
  const thickness = (joint) => THICK[joint] || THICK[joint.replace(/^(left|right)_/, "")] || 0.035;

  const BALL = ball(10, 6),
    SKULL = ball(20, 12);

  function ball(around, rings) {
    const points = [[0, 0, 1]],
      faces = [];
    for (let ring = 1; ring < rings; ring++)
      for (let step = 0; step < around; step++) {
        const tilt = (Math.PI * ring) / rings,
          turn = (2 * Math.PI * step) / around;
        points.push([Math.sin(tilt) * Math.cos(turn), Math.sin(tilt) * Math.sin(turn), Math.cos(tilt)]);
      }
    points.push([0, 0, -1]);
    const at = (ring, step) => 1 + (ring - 1) * around + (step % around),
      last = points.length - 1;
    for (let step = 0; step < around; step++) {
      faces.push([0, at(1, step), at(1, step + 1)], [last, at(rings - 1, step + 1), at(rings - 1, step)]);
      for (let ring = 1; ring < rings - 1; ring++)
        faces.push(
          [at(ring, step), at(ring + 1, step), at(ring + 1, step + 1)],
          [at(ring, step), at(ring + 1, step + 1), at(ring, step + 1)],
        );
    }
    return { points, faces };
  }

  class Body {
    // a mesh in the making
    constructor() {
      Object.assign(this, { x: [], y: [], z: [], i: [], j: [], k: [], vertexcolor: [] });
    }

    add(points, faces, colour) {
      const first = this.x.length;
      for (const [x, y, z] of points) {
        this.x.push(x);
        this.y.push(y);
        this.z.push(z);
        this.vertexcolor.push(colour);
      }
      for (const [i, j, k] of faces) {
        this.i.push(first + i);
        this.j.push(first + j);
        this.k.push(first + k);
      }
    }

    ball(centre, radius, colour, shape = BALL) {
      this.add(
        shape.points.map((point) => plus(centre, point, radius)),
        shape.faces,
        colour,
      );
    }

    rod(from, to, start, end, colour, around = 10) {
      const along = unit(minus(to, from));
      const across = unit(cross(along, Math.abs(along[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0])),
        other = cross(along, across);
      const points = [],
        faces = [];
      for (let step = 0; step < around; step++) {
        const turn = (2 * Math.PI * step) / around,
          next = (step + 1) % around;
        const out = plus(
          across.map((value) => value * Math.cos(turn)),
          other,
          Math.sin(turn),
        );
        points.push(plus(from, out, start), plus(to, out, end));
        faces.push([2 * step, 2 * next, 2 * next + 1], [2 * step, 2 * next + 1, 2 * step + 1]);
      }
      this.add(points, faces, colour);
    }
  }

  function bodies(person, pose) {
    // what was seen of a person, and what was filled in
    const seen = scene.seen[frame][person],
      colours = settings.colours[person % settings.colours.length];
    const meshes = [new Body(), new Body()],
      at = (joint) => scene.joints.indexOf(joint);
    const points = pose.map(drawn);
    scene.joints.forEach((joint, index) => {
      const mesh = meshes[seen[index] ? 0 : 1];
      if (joint === "head_top" && at("head") >= 0) return;
      if (joint === "head") {
        const top = points[at("head_top")];
        mesh.ball(plus(points[index], minus(top, points[index]), 0.35), HEAD, colours[0], SKULL);
      } else mesh.ball(points[index], thickness(joint), colours[side(joint)]);
    });
    for (const [child, parent] of scene.bones) {
      if (child === "head_top" && at("head") >= 0) continue;
      const mesh = meshes[seen[at(child)] && seen[at(parent)] ? 0 : 1];
      const end = thickness(child),
        start = parent === scene.joints[0] || end > thickness(parent) ? end : thickness(parent);
      mesh.rod(points[at(parent)], points[at(child)], Math.min(start, end * 1.5), end, colours[side(child)]);
    }
    return meshes;
  }

  function axes(up) {
    // rows: the scene's x, y and z in the camera's coordinates
    const sideways = cross([0, 0, 1], up);
    const right = Math.hypot(...sideways) > 1e-6 ? unit(sideways) : [1, 0, 0];
    return [right, up, cross(right, up)];
  }

  function toCamera(point) {
    const [x, y, z] = axes(scene.up[frame]),
      below = [point[0], point[1] - scene.height[frame], point[2]];
    return [0, 1, 2].map((axis) => x[axis] * below[0] + y[axis] * below[1] + z[axis] * below[2]);
  }

  function fromCamera(point) {
    const rows = axes(scene.up[frame]).map((row) => dot(row, point));
    return [rows[0], rows[1] + scene.height[frame], rows[2]];
  }

  function toPixels(point) {
    const [x, y, z] = toCamera(point),
      [width, height] = scene.image;
    return z > 0.05 ? [(scene.focal * x) / z + width / 2, (scene.focal * y) / z + height / 2] : null;
  }

  // ---- 3D -------------------------------------------------------------------------------------------------------

  function lines(paths, colour, width) {
    const points = paths.flatMap((path) => [...path.map(drawn), [null, null, null]]);
    return {
      type: "scatter3d",
      mode: "lines",
      hoverinfo: "skip",
      line: { color: colour, width },
      x: points.map((p) => p[0]),
      y: points.map((p) => p[1]),
      z: points.map((p) => p[2]),
    };
  }

  function measure() {
    // what people and the camera span over the whole sequence, by either placement
    const low = [-1, 0, -1],
      high = [1, 1.8, 1],
      near = { low: [1e9, 0, 1e9], high: [-1e9, 1, -1e9] };
    let anybody = false;
    for (const frames of [scene.people, scene.by_paper])
      for (const people of frames)
        for (const pose of people)
          for (const point of pose || [])
            for (let axis = 0; axis < 3; axis++) {
              anybody = true;
              low[axis] = Math.min(low[axis], point[axis]);
              high[axis] = Math.max(high[axis], point[axis]);
              if (frames === scene.people) {
                near.low[axis] = Math.min(near.low[axis], point[axis]);
                near.high[axis] = Math.max(near.high[axis], point[axis]);
              }
            }
    const people = anybody && near.low[0] < near.high[0] ? near : { low: [...low], high: [...high] };
    for (const height of scene.height) high[1] = Math.max(high[1], height + 0.3);
    const margin = MARGIN + 0.5;
    return { low: plus(low, [-margin, -0.05, -margin]), high: plus(high, [margin, 0.1, margin]), people };
  }

  function ground() {
    const { low, high } = box.people,
      half = 0.5,
      paths = [];
    const from = [low[0], low[2]].map((v) => Math.floor((v - MARGIN) / half) * half);
    const to = [high[0], high[2]].map((v) => Math.ceil((v + MARGIN) / half) * half);
    for (let x = from[0]; x <= to[0] + 1e-6; x += half)
      paths.push([
        [x, 0, from[1]],
        [x, 0, to[1]],
      ]);
    for (let z = from[1]; z <= to[1] + 1e-6; z += half)
      paths.push([
        [from[0], 0, z],
        [to[0], 0, z],
      ]);
    const corners = [
      [from[0], 0, from[1]],
      [to[0], 0, from[1]],
      [to[0], 0, to[1]],
      [from[0], 0, to[1]],
    ].map((corner) => drawn(plus(corner, [0, -0.012, 0])));
    const slab = {
      type: "mesh3d",
      hoverinfo: "skip",
      color: "#e9edf2",
      i: [0, 0],
      j: [1, 2],
      k: [2, 3],
      flatshading: true,
      lighting: FLAT,
      x: corners.map((p) => p[0]),
      y: corners.map((p) => p[1]),
      z: corners.map((p) => p[2]),
    };
    return [slab, lines(paths, "#c9d1dc", 1.5)];
  }

  function frustum() {
    // the camera, small, looking at what it sees
    if (!scene.up.length) return lines([], "#5d6880", 2);
    const reach = 0.35,
      [width, height] = scene.image.map((side) => (reach * side) / (2 * scene.focal));
    const eye = fromCamera([0, 0, 0]);
    const [a, b, c, d] = [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ].map(([x, y]) => fromCamera([x * width, y * height, reach]));
    return lines(
      [
        [a, b, c, d, a],
        [eye, a],
        [eye, b],
        [eye, c],
        [eye, d],
      ],
      "#5d6880",
      3,
    );
  }

  function shadow(poses) {
    const flat = ([x, , z]) => [x, 0.004, z],
      paths = [];
    for (const pose of poses)
      for (const [child, parent] of pose ? scene.bones : [])
        paths.push([flat(pose[scene.joints.indexOf(parent)]), flat(pose[scene.joints.indexOf(child)])]);
    return lines(paths, "#b9c2cf", 9);
  }

  function traces() {
    const poses = scene.names.length ? scene[placement][frame] : [];
    const people = poses.flatMap((pose, person) => {
      const meshes = pose ? bodies(person, pose) : [new Body(), new Body()];
      return meshes.map((mesh, filled) => ({
        ...MESH,
        ...mesh,
        lighting: deep() ? LIT : FLAT,
        visible: mesh.x.length > 0,
        opacity: filled ? FILLED : 1,
      }));
    });
    return [...ground(), frustum(), shadow(poses), ...people];
  }

  const deep = () => ["round", "camera"].includes(view); // whether it is seen in perspective

  function camera() {
    // Plotly's, in units of its box
    const middle = box.low.map((value, axis) => (value + box.high[axis]) / 2);
    const inBox = (point) => {
      const [x, y, z] = drawn(minus(point, middle)).map((value) => value / METRES_A_UNIT);
      return { x, y, z };
    };
    const { low, high } = view === "camera" ? box : box.people,
      centre = low.map((value, axis) => (value + high[axis]) / 2);
    const [width, height] = [$("plot").clientWidth || 1, $("plot").clientHeight || 1];
    const across = Math.hypot(high[0] - low[0] + 1, high[2] - low[2] + 1),
      tall = high[1] - low[1] + 1;
    const away =
      (view === "camera" ? 0.9 : 1.4) *
      Math.max(tall, view === "above" ? high[2] - low[2] + 1 : 0, (across * height) / width);
    const direction = FROM[view];
    return {
      up: { x: 0, y: 0, z: 1 },
      center: inBox(centre),
      eye: inBox(plus(centre, unit(direction), away)),
      projection: { type: deep() ? "perspective" : "orthographic" },
    };
  }

  function layout() {
    const spans = box.high.map((value, axis) => value - box.low[axis]);
    const axis = (from, to) => ({ visible: false, range: [from, to], autorange: false, showspikes: false });
    return {
      margin: { l: 0, r: 0, t: 0, b: 0 },
      showlegend: false,
      paper_bgcolor: "#f3f5f8",
      uirevision: `${scene.number} ${view}`,
      scene: {
        xaxis: axis(box.low[0], box.high[0]),
        yaxis: axis(-box.high[2], -box.low[2]),
        zaxis: axis(box.low[1], box.high[1]),
        aspectmode: "manual",
        dragmode: "turntable",
        bgcolor: "#f3f5f8",
        uirevision: `${scene.number} ${view}`,
        aspectratio: { x: spans[0] / METRES_A_UNIT, y: spans[2] / METRES_A_UNIT, z: spans[1] / METRES_A_UNIT },
        camera: scene.camera,
      },
    };
  }

  let drawing = Promise.resolve();

  function draw() {
    const config = { displayModeBar: false, scrollZoom: true };
    drawing = Plotly.react($("plot"), traces(), layout(), config);
    return drawing;
  }

  function look(chosen) {
    view = chosen;
    if (!scene) return;
    for (const button of $("views").children) button.setAttribute("aria-pressed", String(button.value === view));
    scene.camera = camera();
    draw();
  }

  // ---- the image ------------------------------------------------------------------------------------------------

  function drawImage() {
    const canvas = $("image"),
      [width, height] = scene.image,
      ratio = window.devicePixelRatio || 1;
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round((canvas.clientWidth * ratio * height) / width));
    const pen = canvas.getContext("2d"),
      scale = canvas.width / width;
    pen.lineCap = "round";
    (scene.names.length ? scene.keypoints[frame] : []).forEach((points, person) => {
      const colours = settings.colours[person % settings.colours.length],
        pose = scene.people[frame][person];
      const places = points.map((point, joint) => point || (pose && toPixels(pose[joint])));
      for (const [child, parent] of scene.bones) {
        const [end, start] = [child, parent].map((joint) => scene.joints.indexOf(joint));
        if (!places[end] || !places[start]) continue;
        const found =
          points[end] && points[start] && scene.seen[frame][person][end] && scene.seen[frame][person][start];
        pen.strokeStyle = colours[side(child)];
        pen.globalAlpha = found ? 1 : 0.45;
        pen.setLineDash(found ? [] : [1, 6 * ratio]);
        pen.lineWidth = 3 * ratio;
        pen.beginPath();
        pen.moveTo(places[start][0] * scale, places[start][1] * scale);
        pen.lineTo(places[end][0] * scale, places[end][1] * scale);
        pen.stroke();
      }
    });
  }

  // ---- words ----------------------------------------------------------------------------------------------------

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function drawPeople() {
    const root = Math.max(0, scene.joints.indexOf("pelvis"));
    $("people").replaceChildren(
      ...scene.identities.map((identity, person) => {
        const pose = scene.names.length ? scene[placement][frame][person] : null;
        const told = scene.names.length ? scene.deviation[frame][person] : null;
        const colour = settings.colours[person % settings.colours.length][0];
        const item = element("li", undefined, pose ? "" : "gone");
        const chip = element("span", undefined, "chip");
        chip.style.background = colour;
        const metres = pose ? Math.hypot(...toCamera(pose[root])).toFixed(2) : "";
        const off = told ? `, joints \u00b1 ${Math.round(100 * mean(told))} cm` : "";
        const far = pose ? `${metres} m away${off}` : "not here";
        const words = element("span", far, "much");
        if (told) words.title = "how far off the joints of this body are expected to be, on average";
        item.append(chip, element("span", `Person ${identity}`), words);
        return item;
      }),
    );
  }

  function drawFacts() {
    const how = { known: "as given", people: "from the people", default: "assumed" }[scene.focal_source] || "";
    const tilt = scene.up.length ? (Math.asin(Math.max(-1, Math.min(1, scene.up[frame][2]))) * 180) / Math.PI : 0;
    const facts = scene.up.length
      ? [
          ["Height", `${scene.height[frame].toFixed(2)} m`],
          ["Tilt", `${Math.abs(tilt).toFixed(1)}° ${tilt > 0 ? "up" : "down"}`],
          ["Focal length", `${Math.round(scene.focal)} px, ${how}`],
          ["Image", `${scene.image.map(Math.round).join(" × ")} px`],
        ]
      : [];
    $("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  }

  function tell(text, wrong = false) {
    $("status").textContent = text;
    $("status").hidden = !text;
    $("status").classList.toggle("error", wrong);
  }

  // ---- frames ---------------------------------------------------------------------------------------------------

  function show(chosen) {
    frame = Math.max(0, Math.min(scene.names.length - 1, chosen));
    $("slider").value = String(frame);
    const count = scene.names.length,
      time = scene.rate ? `  ${(frame / scene.rate).toFixed(2)} s` : "";
    $("count").textContent = count ? `${frame + 1} / ${count}${time}` : "";
    $("name").textContent = count ? scene.names[frame] : "";
    drawImage();
    drawPeople();
    drawFacts();
    return draw();
  }

  function play(on) {
    playing = on && scene && scene.names.length > 1 ? { since: performance.now(), from: frame } : null;
    if (playing && frame === scene.names.length - 1) playing.from = 0;
    $("play").textContent = playing ? "❚❚" : "▶";
    $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing) requestAnimationFrame(step);
  }

  async function step(now) {
    if (!playing) return;
    const next = playing.from + Math.floor(((now - playing.since) / 1000) * (scene.rate || 1));
    if (next >= scene.names.length) {
      playing = { since: now, from: 0 };
    }
    if (next !== frame) await show(next >= scene.names.length ? 0 : next);
    requestAnimationFrame(step);
  }

  let scenes = 0;

  function open(found) {
    play(false);
    scene = { ...found, number: ++scenes };
    frame = 0;
    const several = scene.names.length > 1;
    box = measure();
    $("player").hidden = !several;
    $("slider").max = String(Math.max(0, scene.names.length - 1));
    document.body.classList.remove("nothing");
    $("notes").replaceChildren(...scene.notes.map((note) => element("li", note)));
    const anybody = scene.people.some((people) => people.some(Boolean));
    $("empty").hidden = anybody;
    $("empty").textContent = anybody ? "" : "Nobody is in this scene.";
    scene.camera = camera();
    look(view);
    return show(0);
  }

  // ---- files ----------------------------------------------------------------------------------------------------

  async function lift(file) {
    play(false);
    tell(`Lifting ${file.name} …`);
    try {
      if (file.size > settings.largest) throw new Error(`${file.name}: larger than ${settings.largest / 2 ** 20} MB`);
      const answer = await fetch(`lift?name=${encodeURIComponent(file.name)}`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: file,
      });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error);
      await open(found);
      tell("");
    } catch (error) {
      tell(error.message || String(error), true);
    }
  }

  function save() {
    const { number, camera: looked, ...content } = scene;
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content)], { type: "application/json" }));
    link.download = "scene.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  function listen() {
    $("play").onclick = () => play(!playing);
    $("slider").oninput = () => {
      play(false);
      show(Number($("slider").value));
    };
    $("save").onclick = save;
    for (const button of $("views").children) button.onclick = () => look(button.value);
    for (const button of $("placement").children)
      button.onclick = () => {
        placement = button.value;
        for (const other of $("placement").children) other.setAttribute("aria-pressed", String(other === button));
        if (scene) show(frame);
      };
    new ResizeObserver(() => {
      if (scene) drawing.then(() => Plotly.Plots.resize($("plot")));
    }).observe($("plot"));
    new ResizeObserver(() => {
      if (scene) drawImage();
    }).observe($("image").parentElement);
    window.addEventListener("keydown", (event) => {
      const there = event.target.tagName,
        step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!scene || event.target === $("slider")) return;
      if (step) {
        play(false);
        show(frame + step);
      }
      if (event.key === " " && there !== "BUTTON" && there !== "INPUT") {
        event.preventDefault();
        play(!playing);
      }
    });
    if (!settings.lifts) return;
    $("file").onchange = () => {
      if ($("file").files.length) lift($("file").files[0]);
      $("file").value = "";
    };
    let inside = 0;
    window.addEventListener("dragenter", () => {
      inside++;
      $("drop").hidden = false;
    });
    window.addEventListener("dragleave", () => {
      inside--;
      $("drop").hidden = inside > 0;
    });
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      inside = 0;
      $("drop").hidden = true;
      if (event.dataTransfer.files.length) lift(event.dataTransfer.files[0]);
    });
  }

  async function start() {
    listen();
    $("open").hidden = !settings.lifts;
    $("player").hidden = true;
    let found = settings.scene;
    if (!found && settings.served) {
      const answer = await fetch("scene.json");
      if (answer.ok) found = await answer.json();
    }
    if (found) return open(found);
    $("empty").hidden = false;
    $("empty").textContent = settings.lifts
      ? "Drop a file of 2D poses here: what a detector has written, or a scene that was saved."
      : "There is no scene.";
  }

  start()
    .catch((error) => tell(error.message || String(error), true))
    .finally(() => {
      document.body.dataset.ready = "yes";
    });
})();
