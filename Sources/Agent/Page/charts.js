// Small charts of what came with the last polls.

const CHART = { width: 160, height: 40 };

/**
 * A chart of one or two series: `{ points: [{ time, value }], kind }`. A value that is null leaves a gap. `text` says what
 * it shows to who does not see it.
 */
function chart(series, text) {
  const all = series.flatMap((one) => one.points);
  const values = all.map((point) => point.value).filter((value) => value !== null);
  const drawing = svg("svg", {
    class: "chart", role: "img", "aria-label": text, width: CHART.width, height: CHART.height,
    viewBox: `0 0 ${CHART.width} ${CHART.height}`,
  });
  if (all.length < 2) return drawing;
  const first = Math.min(...all.map((point) => point.time));
  const last = Math.max(...all.map((point) => point.time));
  const top = Math.max(...values, 0) || 1;
  const x = (time) => 2 + (CHART.width - 4) * (last > first ? (time - first) / (last - first) : 1);
  const y = (value) => CHART.height - 3 - (CHART.height - 6) * (value / top);
  drawing.append(svg("line", { class: "base", x1: 0, x2: CHART.width, y1: CHART.height - 2, y2: CHART.height - 2 }));
  for (const one of series) {
    for (const run of runs(one.points)) {
      const points = run.map((point) => `${x(point.time).toFixed(1)},${y(point.value).toFixed(1)}`);
      drawing.append(run.length > 1 ? svg("polyline", { class: `line ${one.kind}`, points: points.join(" ") })
        : svg("circle", { class: `dot ${one.kind}`, cx: x(run[0].time), cy: y(run[0].value), r: 1.5 }));
    }
    if (!one.marksGaps) continue;
    for (const point of one.points) {
      if (point.value === null) {
        drawing.append(svg("line", { class: "failure", x1: x(point.time), x2: x(point.time), y1: 3, y2: CHART.height - 3 }));
      }
    }
  }
  return drawing;
}

/** The stretches without a gap. */
function runs(points) {
  const found = [];
  let run = [];
  for (const point of points) {
    if (point.value !== null) {
      run.push(point);
    } else if (run.length) {
      found.push(run);
      run = [];
    }
  }
  if (run.length) found.push(run);
  return found;
}

/** The last value of a series that is there, or undefined. */
function latest(points) {
  return points.length ? points[points.length - 1].value ?? undefined : undefined;
}
