"use strict";
// The webcam: its frames go to the page's own server one by one, and what comes back is shown as it comes.

const Webcam = (() => {
  const WIDTH = 640; // pixels of the frames that are sent
  const KEPT = 16; // frames that wait for their scene
  const GONE = 3; // seconds after which somebody else may take a person's place
  const FORGOTTEN = 15; // seconds after which the last places are given up
  const RATE_OVER = 2000; // milliseconds over which frames are counted
  const OF_PEOPLE = ["people", "by_paper", "seen", "confidence", "deviation", "distance_deviation", "keypoints"];

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  function encoded(canvas) {
    // at once: canvas.toBlob waits until the browser has nothing else to do, which while it draws takes 0.15 s
    const [, content] = canvas.toDataURL("image/jpeg", 0.85).split(",");
    return Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  }

  class Webcam {
    constructor(settings) {
      // show: takes a scene, its picture and words on how it goes; ask: sends to the server; fail: takes an error
      Object.assign(this, settings, { on: false, frames: new Map(), shown: [], places: [], count: 0 });
    }

    async start() {
      if (!navigator.mediaDevices) throw new Error("This browser gives no webcam to this page.");
      const wanted = { audio: false, video: { width: { ideal: 1280 }, height: { ideal: 720 } } };
      this.media = await navigator.mediaDevices.getUserMedia(wanted).catch((error) => {
        throw new Error(`The browser gives no webcam (${error.message || error.name}).`);
      });
      this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
      this.video.srcObject = this.media;
      await this.video.play();
      this.session = String(Math.random()).slice(2);
      this.on = true;
      this.loop().catch((error) => {
        this.stop();
        this.fail(error);
      });
    }

    stop() {
      this.on = false;
      for (const track of this.media?.getTracks() || []) track.stop();
    }

    async loop() {
      // one frame is on its way at a time, so that none has to wait
      let last = -1;
      while (this.on) {
        if (this.video.currentTime === last) {
          await pause(5);
          continue;
        }
        last = this.video.currentTime;
        const name = String(this.count++),
          time = performance.now() / 1000;
        const canvas = this.grabbed();
        this.frames.set(name, { canvas, time });
        if (this.frames.size > KEPT) this.frames.delete(this.frames.keys().next().value);
        const found = await this.ask(`live?session=${this.session}&name=${name}&time=${time}`, encoded(canvas));
        if (this.on && found.scenes.length) this.tell(found.scenes.at(-1));
      }
    }

    grabbed() {
      const { videoWidth, videoHeight } = this.video,
        canvas = document.createElement("canvas");
      canvas.width = Math.min(WIDTH, videoWidth);
      canvas.height = Math.round((canvas.width * videoHeight) / videoWidth);
      canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
      return canvas;
    }

    tell(scene) {
      const frame = this.frames.get(scene.names[0]);
      if (!frame) return;
      for (const name of this.frames.keys()) if (Number(name) <= Number(scene.names[0])) this.frames.delete(name);
      const now = performance.now();
      this.shown = [...this.shown.filter((time) => now - time < RATE_OVER), now];
      const over = (now - this.shown[0]) / 1000,
        rate = this.shown.length > 2 ? (this.shown.length - 1) / over : null,
        behind = now / 1000 - frame.time;
      this.show(this.placed(scene, frame.time), frame.canvas, { rate, behind });
    }

    placed(scene, time) {
      // everybody keeps their place among the people, and so their colour, while others come and go
      const { places } = this;
      for (const identity of scene.identities) {
        if (places.some((place) => place.identity === identity)) continue;
        const free = places.findIndex((place) => time - place.seen > GONE);
        places[free < 0 ? places.length : free] = { identity };
      }
      const at = places.map((place) => scene.identities.indexOf(place.identity));
      places.forEach((place, number) => {
        if (at[number] >= 0) place.seen = time;
      });
      while (places.length && time - places.at(-1).seen > FORGOTTEN) {
        places.pop();
        at.pop();
      }
      const nothing = {
        people: null,
        by_paper: null,
        seen: scene.joints.map(() => false),
        confidence: 0,
        deviation: null,
        distance_deviation: null,
        keypoints: scene.joints.map(() => null),
      };
      const values = OF_PEOPLE.filter((name) => scene[name]).map((name) => [
        name,
        [at.map((person) => (person < 0 ? nothing[name] : scene[name][0][person]))],
      ]);
      return { ...scene, ...Object.fromEntries(values), identities: places.map((place) => place.identity) };
    }
  }

  return Webcam;
})();
