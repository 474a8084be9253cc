// Time series: <div class="chart" data-chart='{"url": "/x.json"}' role="img" aria-label="…"></div>, or with a
// <script type="application/json"> inside it. The document: {"times": [unix seconds], "series": [{"label", "values", "kind"?}]}
// where kind is "area" (default for the first), "line" or "bars". uPlot is fetched only when a page has a chart.

const source = document.querySelector("script[data-uplot]")?.dataset.uplot;
const charts = new Map();
let library;

function load() {
  library ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: source, onerror: reject });
    script.onload = () => resolve(window.uPlot);
    document.head.append(script);
  });
  return library;
}

// light-dark() in a custom property is resolved by asking a real element for its colour.
function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function fade(value, part) {
  return `color-mix(in srgb, ${value} ${part}%, transparent)`;
}

function line(uPlot, { label, values, kind }, index) {
  const stroke = colour(`--series-${(index % 5) + 1}`);
  const shape = kind ?? (index === 0 ? "area" : "line");
  const few = values.length < 32;
  const style = { label, stroke, width: 2, points: { show: few && shape !== "bars", size: 5, fill: stroke }, value: (_, v) => (v == null ? "–" : v.toLocaleString()) };
  if (shape === "area") style.fill = fade(stroke, 12);
  if (shape === "bars") Object.assign(style, { paths: uPlot.paths.bars({ size: [0.7, 40], radius: 0.2 }), fill: fade(stroke, 55), width: 1 });
  return style;
}

function axis(extra) {
  const grid = { stroke: colour("--grid"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return { stroke: colour("--ink-3"), grid, ticks: { show: false }, font, ...extra };
}

function compact(_, ticks) {
  return ticks.map((tick) => (Number.isInteger(tick) || Math.abs(tick) < 1 ? tick.toLocaleString(undefined, { notation: "compact" }) : tick.toString()));
}

function size(element) {
  return { width: Math.max(200, element.clientWidth), height: Number(element.dataset.height ?? 220) };
}

async function draw(element, data) {
  const uPlot = await load();
  charts.get(element)?.plot.destroy();
  element.querySelector(".chart-empty")?.remove();
  if (!data.times?.length) {
    element.append(Object.assign(document.createElement("p"), { className: "chart-empty", textContent: "Nothing to draw yet." }));
    return;
  }
  const still = data.series.length === 1;
  const plot = new uPlot({
    ...size(element),
    legend: { show: !still || element.hasAttribute("data-legend") },
    cursor: { y: false, points: { size: 7 } },
    padding: [12, 12, 0, 0],
    scales: { y: { range: (_, low, high) => [Math.min(0, low), high === low ? high + 1 : high * 1.08] } },
    series: [{ value: (_, at) => (at == null ? "–" : new Date(at * 1000).toLocaleDateString(undefined, { dateStyle: "medium" })) }, ...data.series.map((one, index) => line(uPlot, one, index))],
    axes: [axis({ space: 70 }), axis({ size: 46, values: compact, space: 36 })],
  }, [data.times, ...data.series.map((one) => one.values)], element);
  charts.set(element, { plot, data });
}

async function read(element) {
  const inline = element.querySelector('script[type="application/json"]');
  if (inline) return JSON.parse(inline.textContent);
  const { url } = JSON.parse(element.dataset.chart || "{}");
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const chart = charts.get(target);
    if (chart && Math.abs(chart.plot.width - target.clientWidth) > 1) chart.plot.setSize(size(target));
  }
});

async function start(element) {
  element.dataset.drawn = "";
  try {
    await draw(element, await read(element));
    watch.observe(element);
  } catch {
    element.append(Object.assign(document.createElement("p"), { className: "chart-empty", textContent: "The chart could not be loaded." }));
  }
}

function prepare() {
  for (const [element, { plot }] of charts) {
    if (!element.isConnected) { plot.destroy(); charts.delete(element); }
  }
  for (const element of document.querySelectorAll("[data-chart]:not([data-drawn])")) start(element);
}

prepare();
document.addEventListener("htmx:after:swap", prepare);
document.addEventListener("live:after", prepare);
document.addEventListener("theme", () => { for (const [element, { data }] of [...charts]) draw(element, data); });
document.addEventListener("chart:refresh", async (event) => { const element = event.target; if (charts.has(element)) draw(element, await read(element)); });
