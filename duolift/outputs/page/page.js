"use strict";
// Shows a scene (docs/scene.md) and steps through it. Text from files is only ever set as text.

(() => {
  const settings = JSON.parse(document.getElementById("settings").textContent);
  const $ = (id) => document.getElementById(id);
  const FILM = /\.(mp4|m4v|mov|webm|mkv|avi|ogv)$/i;
  const PICTURE = /\.(jpe?g|png|webp|bmp|gif|avif)$/i;
  const KEPT = 24; // photographs that are kept decoded

  let space = null; // three.js's part of the page
  let scene = null; // what is shown
  let frame = 0;
  let placement = "people";
  let playing = null; // when it began, and at which frame
  let dropped = new Map(); // name of a picture, without folder and suffix -> its file
  let film = null; // the film that was dropped onto the page: an element that shows any of its frames
  let webcam = null; // what films
  const photographs = new Map(); // name of an image -> its photograph, or null

  const rootMeanSquare = (values) => Math.hypot(...values) / Math.sqrt(values.length);
  const stem = (name) => name.replace(/^.*[\\/]/, "").replace(/\.[^.]*$/, "");

  // ---- photographs ----------------------------------------------------------------------------------------------

  function sourceOf(name) {
    // where the photograph of an image is: dropped onto the page, within it, or served
    if (dropped.has(stem(name))) return dropped.get(stem(name));
    if (dropped.size === 1 && scene.names.length === 1 && $("scenes").length < 2) return [...dropped.values()][0];
    if (settings.pictures) {
      const at = scene.names.indexOf(name), // of a long film some frames are there, which stand for those after them
        kept = scene.names[at - (at % settings.every)];
      return settings.pictures[name] || settings.pictures[kept] || settings.pictures[""] || null;
    }
    return settings.has_pictures ? `picture?name=${encodeURIComponent(name)}` : null;
  }

  async function photograph(name) {
    if (photographs.has(name)) return photographs.get(name);
    const source = film ? null : sourceOf(name);
    const found = film ? await filmed(scene.names.indexOf(name)) : source && (await decoded(source).catch(() => null));
    if (photographs.size >= KEPT) photographs.delete(photographs.keys().next().value);
    photographs.set(name, found);
    return found;
  }

  async function decoded(source) {
    const image = new Image();
    image.src = typeof source === "string" ? source : URL.createObjectURL(source);
    try {
      await image.decode();
    } finally {
      if (typeof source !== "string") URL.revokeObjectURL(image.src);
    }
    return image;
  }

  function openFilm(file) {
    if (film) URL.revokeObjectURL(film.video.src);
    film = file && { video: document.createElement("video"), turn: Promise.resolve() };
    if (film) Object.assign(film.video, { muted: true, preload: "auto", src: URL.createObjectURL(file) });
  }

  function filmed(number) {
    // a frame of the film, one after the other; null where the browser cannot show it
    const { video } = film,
      time = (number + 0.5) / (scene.rate || 30);
    const frame = () =>
      new Promise((resolve) => {
        video.onerror = () => resolve(null);
        video.onseeked = () => {
          const canvas = element("canvas");
          [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
          canvas.getContext("2d").drawImage(video, 0, 0);
          resolve(canvas.width ? canvas : null);
        };
        if (video.error) resolve(null);
        video.currentTime = time;
      });
    film.turn = film.turn.then(frame);
    return film.turn;
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
        const item = element("li", undefined, pose ? "" : "gone");
        const chip = element("span", undefined, "chip");
        chip.style.background = settings.colours[person % settings.colours.length][0];
        const distance = pose && Coordinates.toCamera(scene, frame, pose[root]).length();
        // how sure that is, where the scene says so, of people on the ground; both to as many digits as make sense
        const away = pose && placement === "people" ? scene.distance_deviation?.[frame]?.[person] : null,
          digits = away && away >= 0.095 ? 1 : 2;
        const metres = pose ? distance.toFixed(digits) + (away ? ` \u00b1 ${away.toFixed(digits)}` : "") : "";
        const off = told ? `, joints \u00b1 ${Math.round(100 * rootMeanSquare(told))} cm` : "";
        const words = element("span", pose ? `${metres} m away${off}` : "not here", "much");
        if (told) words.title = "how far off the joints of this body are expected to be: the root mean square";
        item.append(chip, element("span", `Person ${identity}`), words);
        return item;
      }),
    );
  }

  function drawFacts() {
    const how = { known: "as given", people: "from the people", default: "assumed" }[scene.focal_source] || "";
    const tilt = scene.up.length ? (Math.asin(Math.max(-1, Math.min(1, scene.up[frame][2]))) * 180) / Math.PI : 0;
    const off = scene.tilt_deviation?.[frame],
      about = off ? ` \u00b1 ${off.toFixed(1)}` : "";
    const facts = scene.up.length
      ? [
          ["Height", `${scene.height[frame].toFixed(2)} m`],
          ["Tilt", `${Math.abs(tilt).toFixed(1)}${about}° ${tilt > 0 ? "up" : "down"}`],
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

  async function show(chosen) {
    const of = scene;
    frame = Math.max(0, Math.min(scene.names.length - 1, chosen));
    const count = scene.names.length,
      time = scene.rate ? `  ${(frame / scene.rate).toFixed(2)} s` : "";
    $("slider").value = String(frame);
    $("frames").selectedIndex = frame;
    $("count").textContent = count ? `${frame + 1} / ${count}${time}` : "";
    if (!webcam) $("name").textContent = count ? scene.names[frame] : "";
    drawPeople();
    drawFacts();
    space?.show(frame, placement);
    const image = count ? await photograph(scene.names[frame]) : null;
    if (of !== scene) return;
    ImagePanel.draw($("image"), scene, frame, image, settings.colours);
    space?.paint(image);
  }

  function look(chosen) {
    for (const button of $("views").children) button.setAttribute("aria-pressed", String(button.value === chosen));
    space?.look(chosen);
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
    if (next >= scene.names.length) playing = { since: now, from: 0 };
    if (next !== frame) await show(next >= scene.names.length ? 0 : next);
    requestAnimationFrame(step);
  }

  function list(select, names) {
    select.parentElement.hidden = names.length < 2;
    select.replaceChildren(...(names.length < 2 ? [] : names.map((name) => element("option", name))));
  }

  function open(found) {
    play(false);
    stopFilming();
    scene = found;
    frame = 0;
    photographs.clear();
    const several = scene.names.length > 1;
    $("player").hidden = !several;
    $("slider").max = String(Math.max(0, scene.names.length - 1));
    list($("frames"), scene.names);
    document.body.classList.remove("nothing");
    $("notes").replaceChildren(...scene.notes.map((note) => element("li", note)));
    const anybody = scene.people.some((people) => people.some(Boolean));
    $("empty").hidden = anybody;
    $("empty").textContent = anybody ? "" : "Nobody is in this scene.";
    if (space) {
      space.open(scene);
      space.show(0, placement);
      look(space.view);
    }
    return show(0);
  }

  // ---- the webcam -----------------------------------------------------------------------------------------------

  function follow(found, picture, { rate, behind }) {
    // a frame of the webcam, which is all there is of the scene
    const begins = document.body.classList.contains("nothing") || !$("player").hidden;
    scene = found;
    frame = 0;
    photographs.clear();
    photographs.set(scene.names[0], picture);
    if (begins) {
      document.body.classList.remove("nothing");
      $("player").hidden = true;
      list($("frames"), []);
      list($("scenes"), []);
    }
    const anybody = scene.people[0].some(Boolean);
    $("empty").hidden = anybody;
    $("empty").textContent = anybody ? "" : "Nobody is seen.";
    const often = rate ? `${rate.toFixed(1)} frames a second, ` : "";
    $("name").textContent = `${often}${behind.toFixed(2)} s behind`;
    $("notes").replaceChildren(...scene.notes.map((note) => element("li", note)));
    drawPeople();
    drawFacts();
    space?.follow(scene);
    space?.show(0, placement);
    if (begins && space) look(space.view);
    ImagePanel.draw($("image"), scene, 0, picture, settings.colours);
    space?.paint(picture);
    document.body.dataset.followed = String(1 + Number(document.body.dataset.followed || 0)); // for tests
  }

  function stopFilming() {
    webcam?.stop();
    webcam = null;
    $("webcam").textContent = "Webcam";
    $("webcam").setAttribute("aria-pressed", "false");
  }

  async function startFilming() {
    play(false);
    openFilm(null);
    const ask = (url, body) =>
      answered(url, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body });
    const fail = (error) => {
      stopFilming();
      tell(error.message || String(error), true);
    };
    $("webcam").textContent = "Stop";
    $("webcam").setAttribute("aria-pressed", "true");
    tell("Waiting for the webcam …");
    webcam = new Webcam({
      ask,
      fail,
      show: (...told) => {
        tell("");
        follow(...told);
      },
    });
    await webcam.start().catch(fail);
  }

  // ---- files ----------------------------------------------------------------------------------------------------

  async function answered(url, request) {
    const answer = await fetch(url, request);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  }

  async function openNumber(number) {
    $("scenes").selectedIndex = number;
    const found = await answered(`scene.json?number=${number}`);
    if (found) await open(found);
    return Boolean(found);
  }

  async function openAll(names) {
    list($("scenes"), names);
    return names.length > 0 && openNumber(0);
  }

  async function watch(lifting) {
    // how far a long file has got, until it is there
    while (lifting.on) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      const told = lifting.on && (await answered("progress.json").catch(() => null));
      if (!told || !lifting.on) continue;
      const done = told.total ? `${told.done} of ${told.total}` : String(told.done);
      tell(`Lifting ${lifting.name} … ${done} ${told.what}`);
    }
  }

  async function lift(files) {
    // a line that names the files, and their contents one after the other
    play(false);
    stopFilming();
    const name = files.length === 1 ? files[0].path : `${files.length} files`,
      lifting = { on: true, name };
    tell(`Lifting ${name} …`);
    try {
      const head = JSON.stringify(files.map(({ path, file }) => ({ name: path, size: file.size })));
      const body = new Blob([`${head}\n`, ...files.map(({ file }) => file)]);
      if (body.size > settings.largest) throw new Error(`${name}: larger than ${settings.largest / 2 ** 20} MB`);
      watch(lifting);
      const request = { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body };
      const found = await answered("lift", request);
      lifting.on = false;
      await openAll(found.scenes);
      tell("");
    } catch (error) {
      lifting.on = false;
      tell(error.message || String(error), true);
    }
  }

  async function take(files) {
    // pictures of the scene that is open go behind its poses, as do those that come with what a detector wrote of them;
    // other pictures are lifted, as all else is
    const pictures = files.filter(({ path }) => PICTURE.test(path)),
      others = files.filter(({ path }) => !PICTURE.test(path)),
      films = others.filter(({ path }) => FILM.test(path));
    if (pictures.length) dropped = new Map(pictures.map(({ path, file }) => [stem(path), file]));
    if (pictures.length) photographs.clear();
    const known = scene && scene.names.some((name) => dropped.has(stem(name)));
    const lifted = others.length || known || !settings.films ? others : pictures;
    openFilm(films.length === 1 && lifted.length === 1 ? films[0].file : null);
    if (lifted.length && settings.lifts) await lift(lifted);
    else if (others.length) tell("This page is one file and lifts nothing: duolift view opens one that does.", true);
    else if (scene) await showPictures();
    else if (pictures.length) tell("Now drop what a detector made of them.");
  }

  async function showPictures() {
    await show(frame);
    const found = await photograph(scene.names[frame] || "");
    tell(found ? "" : `No picture among them is called ${scene.names[frame]}.`, !found);
  }

  const entries = (folder) =>
    new Promise((resolve, reject) => {
      // browsers give a hundred of a folder's files at a time
      const reader = folder.createReader(),
        all = [];
      const more = () =>
        reader.readEntries((some) => (some.length ? (all.push(...some), more()) : resolve(all)), reject);
      more();
    });
  const fileOf = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

  async function filesOf(transfer) {
    // the files that were dropped, and those within folders that were
    const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!roots.length) return [...transfer.files].map((file) => ({ path: file.name, file }));
    const found = [];
    for (const root of roots) {
      const within = root.isDirectory ? (await entries(root)).filter((entry) => entry.isFile) : [root];
      for (const entry of within) {
        const path = root.isDirectory ? `${root.name}/${entry.name}` : entry.name;
        if (!entry.name.startsWith(".")) found.push({ path, file: await fileOf(entry) });
      }
    }
    return found;
  }

  function save() {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(scene)], { type: "application/json" }));
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
    $("frames").onchange = () => {
      play(false);
      show($("frames").selectedIndex);
    };
    $("scenes").onchange = () => openNumber($("scenes").selectedIndex).catch((error) => tell(String(error), true));
    $("save").onclick = save;
    $("webcam").onclick = () => (webcam ? stopFilming() : startFilming());
    for (const button of $("views").children) button.onclick = () => look(button.value);
    for (const button of $("placement").children)
      button.onclick = () => {
        placement = button.value;
        for (const other of $("placement").children) other.setAttribute("aria-pressed", String(other === button));
        if (scene) show(frame);
      };
    new ResizeObserver(() => scene && show(frame)).observe($("image").parentElement);
    window.addEventListener("keydown", (event) => {
      const there = event.target.tagName,
        by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!scene || event.target === $("slider") || there === "SELECT") return;
      if (by) {
        play(false);
        show(frame + by);
      }
      if (event.key === " " && there !== "BUTTON" && there !== "INPUT") {
        event.preventDefault();
        play(!playing);
      }
    });
    $("file").onchange = () => {
      const files = [...$("file").files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      if (files.length) take(files);
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
      filesOf(event.dataTransfer)
        .then((files) => files.length && take(files))
        .catch((error) => tell(error.message || String(error), true));
    });
  }

  async function start() {
    listen();
    $("open").hidden = !settings.lifts;
    $("webcam").hidden = !settings.films;
    $("drop").textContent = settings.lifts ? "Drop it here" : "Drop pictures here";
    $("player").hidden = true;
    try {
      space = new Space($("plot"), settings);
    } catch {
      tell("This browser shows no 3D (WebGL): the image and the numbers are here all the same.", true);
    }
    if (settings.films && window.location.hash === "#webcam") return startFilming();
    if (settings.scene) return open(settings.scene);
    if (settings.served && (await openAll(await answered("scenes.json")))) return undefined;
    $("empty").hidden = false;
    $("empty").textContent = settings.lifts
      ? "Drop a photograph or a video here, files of 2D poses that a detector has written, or a scene that was saved."
      : "There is no scene.";
    return undefined;
  }

  start()
    .catch((error) => tell(error.message || String(error), true))
    .finally(() => {
      document.body.dataset.ready = "yes";
    });
})();
