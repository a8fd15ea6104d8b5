"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const n = data.labels.length, all = [...Array(n).keys()];
  const FIRST = 60, MORE = 300; // tiles shown at first, and by each "more"
  const STILL = 5; // pixels that a pointer may move in a click

  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const number = (value) => value.toLocaleString("en");
  const nameOf = (i) => data.files[i] ?? `picture ${i}`;
  const clusterName = (k) => data.names[k] || `Cluster ${k}`;
  const colour = (k) => `hsl(${(k * 137.508 + 200) % 360} 60% 50%)`;
  const isCalibrated = data.temperature !== null;
  const moved = (i) => data.start.length > 0 && data.start[i] !== data.labels[i];

  // Thumbnails: squares on a few sheets, shown as backgrounds and drawn on the map.
  const perSheet = data.columns ** 2;
  const sheets = data.sheets.map((link, s) => {
    const [head, body] = link.split(",");
    const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([bytes], { type: head.slice(5, -7) }));
    image.rows = Math.ceil(Math.min(perSheet, n - s * perSheet) / data.columns);
    return image;
  });
  const placeOf = (i) => {
    const within = i % perSheet;
    return { image: sheets[Math.floor(i / perSheet)],
      column: within % data.columns, row: Math.floor(within / data.columns) };
  };
  const show = (element, i) => {
    const { image, column, row } = placeOf(i);
    const step = (k, of) => (of > 1 ? (100 * k) / (of - 1) : 0);
    element.style.backgroundImage = `url("${image.src}")`;
    element.style.backgroundSize = `${100 * data.columns}% ${100 * image.rows}%`;
    element.style.backgroundPosition =
      `${step(column, data.columns)}% ${step(row, image.rows)}%`;
    element.classList.toggle("sharp", data.side < 48);
  };
  const tile = (i, among) => {
    const button = make("button", undefined, "tile");
    button.type = "button";
    button.dataset.i = i;
    button.title = `${nameOf(i)}\n${clusterName(data.labels[i])}, confidence ${data.confidence[i].toFixed(2)}`;
    button.setAttribute("aria-label", `${nameOf(i)}, ${clusterName(data.labels[i])}`);
    button.style.setProperty("--doubt", 1 - data.confidence[i]);
    show(button, i);
    button.addEventListener("click", () => enlarge(i, among));
    return button;
  };

  // What is looked at: samples that the filters let through, sorted.
  const { compare } = new Intl.Collator("en", { numeric: true });
  const orders = {
    typical: (a, b) => data.typicality[b] - data.typicality[a] || a - b,
    doubt: (a, b) => data.confidence[a] - data.confidence[b] || a - b,
    file: (a, b) => compare(nameOf(a), nameOf(b)) || a - b,
  };
  let shown = all, branch = null; // clusters of a branch of the tree, if one was clicked
  const hold = (group, clusters) => { // of the tree, or nothing of it
    document.querySelectorAll("#branches g").forEach((other) =>
      other.setAttribute("aria-pressed", String(other === group)));
    branch = clusters;
  };
  const select = () => {
    const most = Number(at("most").value), text = at("name").value.trim().toLowerCase();
    const cluster = at("cluster").value, onlyMoved = at("moved").checked;
    shown = all.filter((i) => data.confidence[i] <= most
      && (cluster === "" || data.labels[i] === Number(cluster))
      && (branch === null || branch.has(data.labels[i]))
      && (text === "" || nameOf(i).toLowerCase().includes(text))
      && (!onlyMoved || moved(i))).sort(orders[at("sort").value]);
    at("most-shown").textContent = most.toFixed(2);
    at("count").textContent = `${number(shown.length)} of ${number(n)}`;
    drawClusters();
    map.draw();
  };

  const sizeOf = Array(data.nClusters).fill(0);
  data.labels.forEach((k) => sizeOf[k]++);
  const drawClusters = () => {
    const groups = new Map();
    for (const i of shown) {
      const k = data.labels[i];
      if (!groups.has(k)) groups.set(k, []);
      groups.get(k).push(i);
    }
    const sections = [...groups.keys()].sort((a, b) => a - b).map((k) => {
      const members = groups.get(k), section = make("section", undefined, "cluster");
      const heading = make("h2"), swatch = make("i", undefined, "swatch");
      swatch.style.background = colour(k);
      const count = members.length === sizeOf[k] ? number(sizeOf[k])
        : `${number(members.length)} of ${number(sizeOf[k])}`;
      heading.append(swatch, clusterName(k), make("span", `${count} pictures`));
      const grid = make("div", undefined, "grid"), more = make("button", undefined, "more");
      more.type = "button";
      const extend = (by) => {
        const there = grid.childElementCount;
        grid.append(...members.slice(there, there + by).map((i) => tile(i, members)));
        const left = members.length - grid.childElementCount;
        more.textContent = `Show ${number(Math.min(left, MORE))} more`;
        more.hidden = left === 0;
      };
      more.addEventListener("click", () => extend(MORE));
      extend(groups.size > 1 ? FIRST : MORE);
      section.append(heading, grid, more);
      return section;
    });
    at("clusters").replaceChildren(...(sections.length ? sections
      : [make("p", "No picture passes these filters.", "none")]));
  };

  // One picture, large.
  let current = 0, row = all;
  const bar = (label, share, text) => {
    const line = make("div", undefined, "bar"), track = make("span"), fill = make("i");
    fill.style.width = `${100 * share}%`;
    track.append(fill);
    line.append(make("span", label), track, make("b", text));
    return line;
  };
  const enlarge = (i, among) => {
    current = i;
    row = among;
    show(at("large-picture"), i);
    at("large-picture").setAttribute("aria-label", nameOf(i));
    at("large-name").textContent = nameOf(i);
    const facts = [clusterName(data.labels[i]), `confidence ${data.confidence[i].toFixed(3)}`];
    if (isCalibrated) facts.push(`the network's own probability ${data.own[i].toFixed(3)}`);
    if (moved(i)) facts.push(`in cluster ${data.start[i]} at the start`);
    at("large-facts").textContent = facts.join(" · ");
    at("large-shares").replaceChildren(...data.probabilities[i].map(
      ([k, share]) => bar(clusterName(k), share, share.toFixed(3))));
    at("large-near").replaceChildren(...data.neighbors[i].map((j) => tile(j, data.neighbors[i])));
    if (!at("large").open) at("large").showModal();
  };
  const step = (by) => {
    const place = row.indexOf(current);
    if (place >= 0) enlarge(row[(place + by + row.length) % row.length], row);
  };
  at("before").addEventListener("click", () => step(-1));
  at("after").addEventListener("click", () => step(1));
  at("large").addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  at("large").addEventListener("click", (event) => {
    if (event.target === at("large")) at("large").close(); // beside it
  });

  // The map: every picture where it lies in the latent space.
  const map = (() => {
    const canvas = at("plane"), pen = canvas.getContext("2d");
    const extent = [0, 1].map((axis) => Math.max(1, ...data.map.map((p) => p[axis])));
    let zoom = 1, left = 0, top = 0, waiting = false, hits = [];
    const fit = () => 0.92 * Math.min(canvas.clientWidth / extent[0], canvas.clientHeight / extent[1]);
    const whole = () => {
      zoom = fit();
      left = (canvas.clientWidth - zoom * extent[0]) / 2;
      top = (canvas.clientHeight - zoom * extent[1]) / 2;
    };
    // Large enough to see, small enough to lie side by side when there are few; zooming
    // in, they grow more slowly than what is between them.
    const sideNow = () => {
      const apart = Math.sqrt((canvas.clientWidth * canvas.clientHeight) / n) * 0.55;
      return Math.min(96, Math.max(6, apart) * (zoom / fit()) ** 0.8);
    };
    const paint = () => {
      waiting = false;
      if (at("map").hidden || !canvas.clientWidth) return;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = canvas.clientWidth * ratio;
      canvas.height = canvas.clientHeight * ratio;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.imageSmoothingEnabled = data.side >= 48;
      const side = sideNow();
      hits = [];
      for (const i of shown) {
        const x = left + zoom * data.map[i][0] - side / 2;
        const y = top + zoom * data.map[i][1] - side / 2;
        if (x < -side || y < -side || x > canvas.clientWidth || y > canvas.clientHeight) continue;
        const { image, column, row: line } = placeOf(i);
        if (image.complete) {
          pen.drawImage(image, column * data.side, line * data.side, data.side, data.side, x, y, side, side);
        }
        pen.fillStyle = colour(data.labels[i]);
        pen.fillRect(x, y + side - Math.max(2, side / 9), side, Math.max(2, side / 9));
        hits.push([i, x, y]);
      }
    };
    const draw = () => {
      if (!waiting) requestAnimationFrame(paint);
      waiting = true;
    };
    const zoomBy = (factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) => {
      const next = Math.min(60 * fit(), Math.max(0.5 * fit(), zoom * factor));
      left = x - ((x - left) * next) / zoom;
      top = y - ((y - top) * next) / zoom;
      zoom = next;
      draw();
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
    }, { passive: false });
    const fingers = new Map();
    let travelled = 0;
    const spread = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a[0] - b[0], a[1] - b[1]);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (fingers.size === 1) travelled = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const [x, y] = fingers.get(event.pointerId), before = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
      travelled += Math.abs(event.offsetX - x) + Math.abs(event.offsetY - y);
      if (before) {
        zoomBy(spread() / before, event.offsetX, event.offsetY);
      } else {
        left += event.offsetX - x;
        top += event.offsetY - y;
        draw();
      }
    });
    const release = (event) => fingers.delete(event.pointerId);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerup", (event) => {
      release(event);
      if (travelled > STILL) return;
      const side = sideNow(), hit = hits.findLast(([, x, y]) => event.offsetX >= x
        && event.offsetX <= x + side && event.offsetY >= y && event.offsetY <= y + side);
      if (hit) enlarge(hit[0], shown);
    });
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
      if (event.key === "+") zoomBy(1.4);
      else if (event.key === "-") zoomBy(1 / 1.4);
      else if (moves[event.key]) {
        left += moves[event.key][0];
        top += moves[event.key][1];
        draw();
      } else return;
      event.preventDefault();
    });
    at("nearer").addEventListener("click", () => zoomBy(1.6));
    at("farther").addEventListener("click", () => zoomBy(1 / 1.6));
    at("whole").addEventListener("click", () => { whole(); draw(); });
    window.addEventListener("resize", draw);
    sheets.forEach((image) => image.addEventListener("load", draw));
    let opened = false;
    return { draw, open: () => { if (!opened) whole(); opened = true; draw(); } };
  })();

  // How the fit went.
  const drawSizes = () => at("sizes").replaceChildren(...sizeOf.map(
    (size, k) => bar(clusterName(k), size / Math.max(...sizeOf), number(size))));
  const drawMoves = () => {
    if (!data.start.length) return;
    const counts = new Map();
    all.filter(moved).forEach((i) => {
      const key = `${data.start[i]} → ${data.labels[i]}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    const total = all.filter(moved).length;
    at("moves").append(make("h2", "Start against end"), make("p", total === 0
      ? "Every picture ended in the cluster it started in."
      : `${number(total)} of ${number(n)} pictures ended in another cluster than they started in.`));
    const table = make("table"), ranked = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 12);
    for (const [key, count] of ranked) {
      const line = make("tr");
      line.append(make("td", `cluster ${key}`), make("td", number(count)));
      table.append(line);
    }
    at("moves").append(table);
  };
  const svg = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const drawTree = () => {
    const K = data.nClusters, width = 560, height = 18 * K, names = 110;
    const members = [...Array(K).keys()].map((k) => [k]);
    for (const [left, right] of data.tree) members.push([...members[left], ...members[right]]);
    const order = members[members.length - 1];
    const most = Math.max(1e-6, ...data.tree.map((row) => 1 - row[2]));
    const x = order.map(() => names), y = [];
    order.forEach((k, place) => { y[k] = 18 * place + 9; });
    at("branches").setAttribute("viewBox", `0 0 ${width} ${height}`);
    const nodes = [], place = (node, label) => {
      const group = svg("g", { tabindex: 0, role: "button", "aria-pressed": "false", "aria-label": label });
      group.append(svg("title", {}, label), svg("circle", { cx: x[node], cy: y[node], r: 4.5 }));
      const choose = () => {
        if (group.getAttribute("aria-pressed") === "true") hold(null, null);
        else hold(group, new Set(members[node]));
        at("cluster").value = "";
        select();
      };
      group.addEventListener("click", choose);
      group.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      });
      group.dataset.node = node;
      nodes.push(group);
      return group;
    };
    data.tree.forEach(([left, right, top], step) => {
      const meet = K + step;
      x[meet] = names + (width - names - 10) * (1 - (1 - top) / most * 0.92);
      y[meet] = (y[left] + y[right]) / 2;
      at("branches").append(svg("path", { d: `M${x[left]} ${y[left]}H${x[meet]}V${y[right]}H${x[right]}` }));
      place(meet, `Clusters ${members[meet].join(", ")}`);
    });
    order.forEach((k) => place(k, clusterName(k)).append(
      svg("text", { x: names - 10, y: y[k] + 4, "text-anchor": "end" }, `${clusterName(k)} (${number(sizeOf[k])})`)));
    at("branches").append(...nodes);
  };
  const drawCurve = (name, values) => {
    const width = 230, height = 110, known = values.filter((v) => v !== null);
    const low = Math.min(...known), span = Math.max(...known) - low;
    const x = (e) => 4 + ((width - 8) * e) / Math.max(1, values.length - 1);
    const y = (v) => 6 + (height - 26) * (1 - (v - low) / span);
    const figure = make("figure"), drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
    drawing.append(svg("line", { x1: 0, x2: width, y1: height - 14, y2: height - 14 }));
    data.phases.forEach((phase, e) => {
      if (e && phase !== data.phases[e - 1]) {
        drawing.append(svg("line", { class: "phase", x1: x(e - .5), x2: x(e - .5), y1: 2, y2: height - 14 }));
      }
    });
    const points = values.flatMap((v, e) => (v === null ? [] : [`${x(e)},${y(v)}`]));
    drawing.append(svg("polyline", { points: points.join(" ") }));
    if (points.length === 1) {
      const [cx, cy] = points[0].split(",");
      drawing.append(svg("circle", { cx, cy, r: 2.5 }));
    }
    drawing.append(svg("text", { x: 0, y: height - 3 }, "epoch 1"),
      svg("text", { x: width, y: height - 3, "text-anchor": "end" }, String(values.length)));
    const last = known[known.length - 1];
    figure.append(make("figcaption", `${name.replaceAll("_", " ")}: ${low} to ${Math.max(...known)}, at the end ${last}`), drawing);
    return figure;
  };
  const drawSummary = () => {
    for (const line of data.summary.split("\n")) {
      const cut = line.indexOf(":");
      at("summary").append(make("dt", line.slice(0, cut)), make("dd", line.slice(cut + 1).trim()));
    }
  };

  const open = (view) => {
    for (const name of ["clusters", "map", "fit"]) at(name).hidden = name !== view;
    document.querySelectorAll("nav button").forEach((button) =>
      button.setAttribute("aria-pressed", button.dataset.view === view));
    at("filters").hidden = view === "fit";
    at("tree").hidden = view === "fit" || data.tree.length < 2;
    if (view === "map") map.open();
  };
  document.title = data.title;
  at("title").textContent = data.title;
  at("lead").textContent = `${number(n)} pictures in ${number(data.nClusters)} clusters, by ${data.method}. `
    + "The orange line below a picture is long where its cluster is in doubt.";
  at("shares-are").textContent = isCalibrated
    ? `Probability, calibrated (temperature ${data.temperature.toPrecision(2)})`
    : "Probability, the network's own (not calibrated)";
  if (isCalibrated) {
    at("shares-are").title = "As sure as partitions that no network made agree with the clusters";
  }
  at("map-by").textContent = `Pictures where they lie in the latent space (${data.mapBy}).`;
  at("moved").parentElement.hidden = data.start.length === 0;
  sizeOf.forEach((size, k) => {
    const option = make("option", `${data.names[k] || k} (${number(size)})`);
    option.value = k;
    at("cluster").append(option);
  });
  document.querySelectorAll("nav button").forEach((button) =>
    button.addEventListener("click", () => open(button.dataset.view)));
  // Clusters are chosen in one place: here, or in the tree.
  at("cluster").addEventListener("input", () => hold(null, null));
  at("filters").addEventListener("input", select);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  drawSizes();
  drawMoves();
  if (data.tree.length > 1) drawTree();
  open("clusters");
  at("curves").append(...Object.entries(data.curves).map(([name, values]) => drawCurve(name, values)));
  drawSummary();
  select();
})();
