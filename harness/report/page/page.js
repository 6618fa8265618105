// Draws the page's charts from the values in #charts. Names in them come from
// outside: they become text, never markup.
(() => {
  "use strict";
  const charts = JSON.parse(document.getElementById("charts").textContent);
  for (const c of Object.values(charts)) for (const p of c.panels) for (const q of p.points) { q.row ??= 0; q.key ??= 0; }
  const root = document.documentElement;
  const color = name => getComputedStyle(root).getPropertyValue("--" + name).trim();
  const drawn = [];

  // What comes without scripts open gives way to the charts.
  for (const d of document.querySelectorAll("details.numbers[open]")) d.open = false;

  // To the answers behind a figure. perg view serves them: where it does not serve
  // this page, too, the command that has it do so is shown.
  const dialog = document.getElementById("behind"), views = dialog ? JSON.parse(document.getElementById("views").textContent) : {};
  function lead(href) {
    const url = new URL(href, location.href), view = views[url.searchParams.get("id")];
    if (!view) { location.href = href; return; }
    const command = view + " --at '" + url.pathname + url.search + "'";
    dialog.querySelector("code").textContent = command;
    dialog.querySelector("[role=status]").textContent = "";
    dialog.querySelector(".copy").onclick = () => navigator.clipboard.writeText(command).then(
      () => { dialog.querySelector("[role=status]").textContent = "copied"; },
      () => { getSelection().selectAllChildren(dialog.querySelector("code")); });
    dialog.querySelector("a").href = href;
    dialog.showModal();
  }
  if (dialog) addEventListener("click", e => {
    const a = e.target.closest && e.target.closest("a.behind");
    if (a) { e.preventDefault(); lead(a.getAttribute("href")); }
  });

  // A tooltip's first line is bold.
  const tip = (...lines) => {
    const box = document.createElement("div");
    lines.filter(Boolean).forEach((line, i) => {
      const el = document.createElement("div");
      el.textContent = line;
      if (i === 0) el.style.fontWeight = "600";
      box.append(el);
    });
    box.style.whiteSpace = "normal";
    box.style.maxWidth = "260px";
    box.style.overflowWrap = "anywhere";
    return box;
  };

  const more = "A click leads to its answers.";

  // A name that is too long for so many pixels loses its middle: what tells names
  // apart is at their ends.
  const fit = (name, px) => {
    const n = Math.max(Math.floor(px / 6.6), 8), head = Math.floor((n - 1) * .4);
    return name.length <= n ? name : name.slice(0, head) + "…" + name.slice(name.length - (n - 1 - head));
  };

  const theme = () => ({ink: color("ink"), muted: color("muted"), line: color("line"), soft: color("soft"), card: color("card"), paper: color("paper")});
  const styleColor = key => color("s" + (key ? key.style : 0));
  const base = (t) => ({
    animation: false,
    textStyle: {fontFamily: getComputedStyle(document.body).fontFamily, color: t.ink},
    tooltip: {trigger: "item", confine: true, backgroundColor: t.card, borderColor: t.line, textStyle: {color: t.ink, fontSize: 13}},
  });
  const axis = (t, more) => Object.assign({
    axisLine: {lineStyle: {color: t.line}}, axisTick: {show: false}, splitLine: {lineStyle: {color: t.line}},
    axisLabel: {color: t.muted, fontSize: 12, hideOverlap: true}, nameTextStyle: {color: t.muted, fontSize: 12}, nameLocation: "middle",
  }, more);
  // Where an axis begins and ends, in even steps: as far as its values go, and
  // no further than they can.
  const range = (low, high, cap, most) => {
    const span = Math.max(high - low, 1e-9), unit = 10 ** Math.floor(Math.log10(span / most));
    const step = [1, 2, 2.5, 5, 10].map(f => f * unit).find(f => span / f <= most);
    return {min: Math.floor(low / step) * step, max: Math.min(cap || Infinity, Math.ceil(high / step - 1e-9) * step || step), interval: step};
  };
  const shape = (style, x, y, r, fill, stroke) => {
    const paint = {fill, stroke, lineWidth: 1};
    switch (style) {
      case 1: case 4: return {type: "rect", shape: {x: x - r * .9, y: y - r * .9, width: r * 1.8, height: r * 1.8}, style: paint};
      case 2: case 5: return {type: "polygon", shape: {points: [[x, y - r * 1.15], [x + r * 1.1, y + r * .85], [x - r * 1.1, y + r * .85]]}, style: paint};
      case 6: return {type: "polygon", shape: {points: [[x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]]}, style: paint};
      case 7: return {type: "polygon", shape: {points: [[x, y + r * 1.15], [x + r * 1.1, y - r * .85], [x - r * 1.1, y - r * .85]]}, style: paint};
      default: return {type: "circle", shape: {cx: x, cy: y, r}, style: paint};
    }
  };
  const stroke = (x1, y1, x2, y2, paint, width) => ({type: "line", shape: {x1, y1, x2, y2}, style: {stroke: paint, lineWidth: width}, silent: true});

  // dots: a row for each variant, a dot and its interval for each key, panels
  // side by side where there is room.
  function dots(c, width, t) {
    const keys = c.keys || [], n = Math.max(keys.length, 1), step = c.rows.length > 14 ? 8 : 11, gap = 26, panels = c.panels.length;
    const longest = Math.max(...c.rows.map(r => r.length)), beside = Math.min(longest * 6.8 + 16, 250);
    // Where it is narrow, or panels side by side would be, they stand below each
    // other and a row's name above its dots.
    const wide = width >= 640 && (width - beside - 22 - gap * (panels - 1)) / panels >= Math.max(...c.panels.map(p => p.x.length * 6.2));
    const above = wide ? 0 : 18, rowHeight = Math.max(26, n * step + 12) + above;
    const labels = wide ? beside : 10, head = 46, plot = c.rows.length * rowHeight;
    const each = wide ? (width - labels - 22 - gap * (panels - 1)) / panels : width - labels - 22;
    const option = Object.assign(base(t), {grid: [], xAxis: [], yAxis: [], series: []});
    c.panels.forEach((p, i) => {
      const left = wide ? labels + i * (each + gap) : labels, top = wide ? head : i * (plot + head + 18) + head;
      option.grid.push({left, top, width: each, height: plot});
      const ends = range(p.signed ? Math.min(0, ...p.points.map(q => q.xl ?? q.x)) : 0, Math.max(0, ...p.points.map(q => q.xh ?? q.x)), p.top, each < 240 ? 4 : 6);
      option.xAxis.push(axis(t, {type: "value", gridIndex: i, position: "top", name: p.x, nameGap: 24, ...ends, axisLine: {show: false}}));
      option.yAxis.push(axis(t, {type: "category", gridIndex: i, data: c.rows, inverse: true, axisLine: {show: false}, splitLine: {show: true, lineStyle: {color: t.line}},
        axisLabel: {show: wide && i === 0, color: t.ink, fontSize: 12, interval: 0, formatter: name => fit(name, labels - 14)}}));
      if (!wide) option.series.push({
        type: "custom", silent: true, xAxisIndex: i, yAxisIndex: i, data: c.rows.map((r, row) => [ends.min, row]),
        renderItem: (params, api) => {
          const row = params.dataIndex, [x, y] = api.coord([ends.min, row]);
          return {type: "text", silent: true, style: {x: x + 2, y: y - rowHeight / 2 + 5, text: fit(c.rows[row], each - 4), fill: t.ink, fontSize: 12, align: "left", verticalAlign: "top"}};
        },
      });
      option.series.push({
        type: "custom", xAxisIndex: i, yAxisIndex: i, clip: false, data: p.points.map(q => ({value: [q.x, q.row], at: q.at})),
        markLine: p.signed ? {silent: true, symbol: "none", label: {show: false}, lineStyle: {color: t.ink, type: "solid", width: 1}, data: [{xAxis: 0}]} : undefined,
        tooltip: {formatter: m => { const q = p.points[m.dataIndex]; return tip(c.rows[q.row], keys[q.key] && keys[q.key].name, p.x.split(",")[0] + ": " + q.says, q.at && more); }},
        renderItem: (params, api) => {
          const q = p.points[params.dataIndex], key = keys[q.key], paint = key ? styleColor(key) : t.muted;
          const [x, mid] = api.coord([q.x, q.row]), y = mid + above / 2 + (q.key - (n - 1) / 2) * step;
          if (p.bars) {
            const x0 = api.coord([0, q.row])[0];
            return {type: "group", children: [{type: "rect", shape: {x: x0, y: y - 6, width: Math.max(x - x0, 1), height: 12}, style: {fill: color("s0"), opacity: .8}}]};
          }
          const parts = [];
          if (q.xl != null && q.xh != null) parts.push(stroke(api.coord([q.xl, q.row])[0], y, api.coord([q.xh, q.row])[0], y, paint, 1.5));
          parts.push(shape(key ? key.style : 0, x, y, step < 11 ? 3.2 : 4, paint, t.paper));
          return {type: "group", children: parts};
        },
      });
    });
    return {option, height: wide ? plot + head + 10 : panels * (plot + head + 18)};
  }

  const stops = () => [1, 2, 3, 4, 5].map(i => color("h" + i));
  const mix = (a, b, f) => "#" + [1, 3, 5].map(i => Math.round(parseInt(a.slice(i, i + 2), 16) * (1 - f) + parseInt(b.slice(i, i + 2), 16) * f).toString(16).padStart(2, "0")).join("");
  const heat = (v, list) => { const at = Math.min(Math.max(v, 0), 1) * (list.length - 1), i = Math.min(Math.floor(at), list.length - 2); return mix(list[i], list[i + 1], at - i); };

  // Names of marks, each beside its own where it covers neither a mark nor
  // another name; the rest have none.
  const beside = (marks, lines, width, height) => {
    const taken = marks.map(([x, y]) => [x - 8, y - 8, x + 8, y + 8]).concat(lines);
    const free = b => b[0] > 0 && b[2] < width && b[1] > 0 && b[3] < height && taken.every((o, j) => b[2] <= o[0] || b[0] >= o[2] || b[3] <= o[1] || b[1] >= o[3]);
    return marks.map(([x, y, name]) => {
      const w = Math.min(name.length * 6.6 + 4, 190), h = 15;
      for (const [left, top] of [[x + 9, y - h - 1], [x + 9, y + 1], [x - 9 - w, y - h - 1], [x - 9 - w, y + 1]]) {
        const b = [left, top, left + w, top + h];
        if (free(b)) { taken.push(b); return {x: left < x ? x - 9 : left, y: top, align: left < x ? "right" : "left", width: w}; }
      }
      return null;
    });
  };

  function scatter(c, width, t) {
    const p = c.panels[0], list = stops(), height = Math.min(Math.max(width * .55, 300), 520), crowded = p.points.length > 14;
    const far = (low, v) => Math.max(...p.points.map(q => (!crowded && q[low] != null ? q[low] : q[v])));
    const xs = range(0, far("xh", "x"), p.top, width < 640 ? 4 : 7), ys = range(0, far("yh", "y"), p.top, 6);
    const left = 58, right = 24, top = 16, bottom = 52;
    const px = v => left + (v - xs.min) / (xs.max - xs.min) * (width - left - right), py = v => top + (1 - (v - ys.min) / (ys.max - ys.min)) * (height - top - bottom);
    const intervals = crowded ? [] : p.points.flatMap(q => [
      q.xl != null && q.xh != null && [px(q.xl), py(q.y) - 1, px(q.xh), py(q.y) + 1],
      q.yl != null && q.yh != null && [px(q.x) - 1, py(q.yh), px(q.x) + 1, py(q.yl)],
    ].filter(Boolean));
    const names = beside(p.points.map(q => [px(q.x), py(q.y), q.name]), intervals, width, height - bottom);
    const option = Object.assign(base(t), {
      grid: {left, right, top, bottom},
      xAxis: axis(t, {type: "value", name: p.x, nameGap: 30, ...xs}),
      yAxis: axis(t, {type: "value", name: p.y, nameGap: 40, ...ys}),
      series: [{
        type: "custom", silent: true, z: 1, clip: true, data: crowded ? [] : p.points.map(q => [q.x, q.y]),
        renderItem: (params, api) => {
          const q = p.points[params.dataIndex], [x, y] = api.coord([q.x, q.y]), parts = [];
          if (q.xl != null && q.xh != null) parts.push(stroke(api.coord([q.xl, q.y])[0], y, api.coord([q.xh, q.y])[0], y, t.soft, 1));
          if (q.yl != null && q.yh != null) parts.push(stroke(x, api.coord([q.x, q.yl])[1], x, api.coord([q.x, q.yh])[1], t.soft, 1));
          return {type: "group", silent: true, children: parts};
        },
      }, {
        type: "custom", silent: true, z: 3, clip: false, data: p.points.map(q => [q.x, q.y]),
        renderItem: params => {
          const at = names[params.dataIndex];
          return at && {type: "text", silent: true, style: {x: at.x, y: at.y, text: fit(p.points[params.dataIndex].name, at.width), fill: t.ink, fontSize: 12, align: at.align, verticalAlign: "top"}};
        },
      }, {
        type: "scatter", z: 2, symbolSize: crowded ? 11 : 15,
        data: p.points.map(q => ({value: [q.x, q.y], at: q.at, itemStyle: {color: heat(q.heat, list), borderColor: t.ink, borderWidth: 1}})),
        tooltip: {formatter: m => { const q = p.points[m.dataIndex]; return tip(q.name, "Breakage Rate " + q.y.toFixed(1) + " %", "Alignment Failure " + q.x.toFixed(1) + " %", q.says, q.at && more); }},
      }],
    });
    return {option, height};
  }

  // lines: values over a number, with their intervals.
  function lines(c, width, t) {
    const wide = width >= 640, n = c.panels.length, left = 66, gap = 74, each = wide ? (width - left - 20 - gap * (n - 1)) / n : width - left - 20, plot = 250;
    const option = Object.assign(base(t), {grid: [], xAxis: [], yAxis: [], series: []});
    c.panels.forEach((p, i) => {
      option.grid.push({left: wide ? left + i * (each + gap) : left, top: wide ? 14 : 14 + i * (plot + 74), width: each, height: plot});
      option.xAxis.push(axis(t, {type: "value", gridIndex: i, name: p.x, nameGap: 28, min: 0, splitLine: {show: false}}));
      option.yAxis.push(axis(t, {type: "value", gridIndex: i, name: p.y, nameGap: 48, ...range(0, Math.max(...p.points.map(q => q.yh ?? q.y)), p.top, 5)}));
      (c.keys || []).forEach((key, k) => {
        const points = p.points.filter(q => q.key === k), paint = styleColor(key);
        option.series.push({type: "line", xAxisIndex: i, yAxisIndex: i, symbol: "none", silent: true, data: points.map(q => [q.x, q.y]), lineStyle: {color: paint, width: 1.6}});
        option.series.push({
          type: "custom", xAxisIndex: i, yAxisIndex: i, z: 4, data: points.map(q => ({value: [q.x, q.y], at: q.at})),
          tooltip: {formatter: m => { const q = points[m.dataIndex]; return tip(q.name, q.x + " bits per weight", p.y.split(",")[0] + ": " + q.says, q.at && more); }},
          renderItem: (params, api) => {
            const q = points[params.dataIndex], [x, y] = api.coord([q.x, q.y]), parts = [];
            if (q.yl != null && q.yh != null) parts.push(stroke(x, api.coord([q.x, q.yl])[1], x, api.coord([q.x, q.yh])[1], paint, 1.5));
            parts.push(shape(key.style, x, y, 4.5, paint, t.paper));
            return {type: "group", children: parts};
          },
        });
      });
    });
    return {option, height: wide ? plot + 66 : n * (plot + 74)};
  }

  // time: values over time, each with the band of its least and greatest.
  function time(c, width, t) {
    const n = c.panels.length, plot = 130, head = 30, marks = c.marks || [], room = 96;
    const first = marks.length ? 20 : 0;
    const option = Object.assign(base(t), {useUTC: true, grid: [], xAxis: [], yAxis: [], series: []});
    const at = c.panels.flatMap(p => p.points.map(q => q.x)).concat(marks.map(m => m.at));
    const from = at.reduce((a, b) => Math.min(a, b)), to = at.reduce((a, b) => Math.max(a, b));
    // A load's name stands at its line where it does not run into the last one's.
    let before = -Infinity;
    const named = marks.map(m => {
      const x = (m.at - from) / (to - from || 1) * (width - 78);
      if (x - before < room) return false;
      before = x;
      return true;
    });
    c.panels.forEach((p, i) => {
      option.grid.push({left: 58, right: 20, top: i * (plot + head) + 14 + first, height: plot});
      option.xAxis.push(axis(t, {type: "time", gridIndex: i, min: from, max: to > from ? to : from + 1000, splitLine: {show: false}, axisLabel: {show: i === n - 1, color: t.muted, fontSize: 12, hideOverlap: true}}));
      option.yAxis.push(axis(t, {type: "value", gridIndex: i, name: p.y, nameGap: 40, ...(p.top ? {min: 0, max: p.top, interval: p.top / 4} : range(0, Math.max(...p.points.map(q => q.yh)), 0, 4))}));
      (c.keys || []).forEach((key, k) => {
        const points = p.points.filter(q => q.key === k), paint = styleColor(key), runs = [];
        for (const q of points) {
          const last = runs[runs.length - 1];
          if (last && q.x - last[last.length - 1].x < c.gap) last.push(q); else runs.push([q]);
        }
        option.series.push({
          type: "custom", silent: true, xAxisIndex: i, yAxisIndex: i, clip: true, z: 1, data: runs.map(r => [r[0].x, r[0].y]),
          renderItem: (params, api) => {
            const r = runs[params.dataIndex];
            return {type: "polygon", silent: true, shape: {points: r.map(q => api.coord([q.x, q.yh])).concat(r.map(q => api.coord([q.x, q.yl])).reverse())}, style: {fill: paint, opacity: .2 / Math.max(1, c.keys.length / 2)}};
          },
        });
        option.series.push({
          type: "line", xAxisIndex: i, yAxisIndex: i, z: 2, symbol: "circle", symbolSize: 4, showSymbol: points.length < 60, itemStyle: {color: paint}, lineStyle: {color: paint, width: 1.4, type: k > 7 ? "dashed" : "solid"},
          data: runs.flatMap((r, j) => (j ? [[r[0].x, null]] : []).concat(r.map(q => [q.x, q.y]))),
          tooltip: {formatter: m => m.value[1] == null ? "" : tip(key.name, p.y.split(",")[0] + ": " + m.value[1] + " " + p.unit)},
          markLine: k === 0 && marks.length ? {
            symbol: "none", lineStyle: {color: t.muted, type: "dotted", width: 1},
            label: {position: "end", align: "left", color: t.muted, fontSize: 11, formatter: m => fit(m.name, room - 8)},
            data: marks.map((m, j) => ({xAxis: m.at, name: m.name, label: {show: i === 0 && named[j]}})),
            tooltip: {formatter: m => tip("Loaded " + m.name)},
          } : undefined,
        });
      });
    });
    return {option, height: n * (plot + head) + 34 + first};
  }

  const kinds = {dots, scatter, lines, time};
  function draw(width) {
    const t = theme();
    for (const el of document.querySelectorAll("[data-chart]")) {
      const c = charts[el.dataset.chart], w = Math.round(width || el.clientWidth);
      if (!c || w < 40) continue;
      const {option, height} = kinds[c.kind](c, w, t);
      let at = drawn.find(d => d.el === el);
      if (!at) {
        drawn.push(at = {el, chart: echarts.init(el, null, {renderer: "svg", width: w, height})});
        at.chart.on("click", e => { if (e.data && e.data.at) lead(e.data.at); });
      }
      at.width = w;
      el.style.height = height + "px";
      at.chart.resize({width: w, height});
      at.chart.setOption(option, true);
    }
  }
  draw();
  root.dataset.drawn = "yes";

  let waiting = 0, seen = root.clientWidth;
  addEventListener("resize", () => {
    if (root.clientWidth === seen || root.classList.contains("print")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => { seen = root.clientWidth; draw(); }, 120);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  // On paper: light, no wider than a page, and each chart's numbers beside it.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".chart ~ details.numbers:not([open])")];
    for (const d of opened) d.open = true;
    root.classList.add("print");
    draw(660);
  });
  addEventListener("afterprint", () => {
    for (const d of opened) d.open = false;
    root.classList.remove("print");
    draw();
  });
})();
