"use strict";
// The image with its 2D poses, and the photograph behind them where there is one.

const ImagePanel = (() => {
  const { side, toPixels } = Coordinates;

  function draw(canvas, scene, frame, photograph, colours) {
    const [width, height] = scene.image,
      ratio = window.devicePixelRatio || 1;
    canvas.style.aspectRatio = `${width} / ${height}`;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round((canvas.clientWidth * ratio * height) / width));
    const pen = canvas.getContext("2d"),
      scale = canvas.width / width;
    if (photograph) pen.drawImage(photograph, 0, 0, canvas.width, canvas.height);
    pen.lineCap = "round";
    (scene.names.length ? scene.keypoints[frame] : []).forEach((points, person) => {
      const pose = scene.people[frame][person],
        pair = colours[person % colours.length];
      const places = points.map((point, joint) => point || (pose && toPixels(scene, frame, pose[joint])));
      for (const edge of photograph ? [true, false] : [false])
        for (const [child, parent] of scene.bones) {
          const [end, start] = [child, parent].map((joint) => scene.joints.indexOf(joint));
          if (!places[end] || !places[start]) continue;
          const seen = scene.seen[frame][person],
            found = points[end] && points[start] && seen[end] && seen[start];
          if (edge && !found) continue;
          pen.strokeStyle = edge ? "rgb(255 255 255 / 75%)" : pair[side(child)];
          pen.globalAlpha = found ? 1 : 0.45;
          pen.setLineDash(found ? [] : [1, 6 * ratio]);
          pen.lineWidth = (edge ? 5.5 : 3) * ratio;
          pen.beginPath();
          pen.moveTo(places[start][0] * scale, places[start][1] * scale);
          pen.lineTo(places[end][0] * scale, places[end][1] * scale);
          pen.stroke();
        }
      pen.globalAlpha = 1;
    });
  }

  return { draw };
})();
