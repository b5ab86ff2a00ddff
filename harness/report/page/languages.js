// The tables by language: a heat map, English beside the others, and averages by family, script, resources, seen or not.
const GROUPS = {
  family: (code) => DATA.languages[code][2],
  script: (code) => DATA.languages[code][1],
  resource: (code) => (DATA.languages[code][4] === null ? "" : `class ${DATA.languages[code][4]}`),
};
const controlsOf = (block) => {
  const find = (name) => block.querySelector(`.l-${name}`);
  return { task: find("task"), language: find("language"), family: find("family"), script: find("script"), group: find("group") };
};
const mean = (values) => (values.length ? values.reduce((sum, one) => sum + one, 0) / values.length : null);

function fillChoices(controls) {
  const codes = DATA.tasks[controls.task.value].languages;
  const choices = {
    language: codes.map((code) => [code, `${DATA.languages[code][0]} (${code})`]),
    family: [...new Set(codes.map(GROUPS.family))].filter(Boolean).sort().map((one) => [one, one]),
    script: [...new Set(codes.map(GROUPS.script))].filter(Boolean).sort().map((one) => [one, one]),
  };
  for (const [name, options] of Object.entries(choices)) {
    const all = element("option", "all");
    all.value = "";
    controls[name].replaceChildren(all, ...options.map(([value, text]) => {
      const option = element("option", text);
      option.value = value;
      return option;
    }));
  }
}

function shownCodes(controls) {
  return DATA.tasks[controls.task.value].languages.filter((code) =>
    (!controls.language.value || code === controls.language.value) &&
    (!controls.family.value || GROUPS.family(code) === controls.family.value) &&
    (!controls.script.value || GROUPS.script(code) === controls.script.value));
}

const valueIn = (entry, code) => entry.value[DATA.tasks[entry.task].languages.indexOf(code)];

// Columns: [head, what it is, function of an entry -> hundredths of a percent or null, language code where it is one].
function columnsOf(controls, codes) {
  const places = new Map(DATA.tasks[controls.task.value].languages.map((code, at) => [code, at]));
  const values = (entry, own) => own.map((code) => entry.value[places.get(code)]).filter((one) => one !== null);
  const others = codes.filter((code) => code !== "en");
  const columns = [];
  if (codes.includes("en") && others.length) {
    const english = (entry) => entry.value[places.get("en")];
    columns.push(["English", "English", english, "en"]);
    columns.push(["others", `mean of the other ${others.length} languages shown`, (entry) => whole(values(entry, others), others)]);
    columns.push(["gap", "English minus the mean of the others, points", (entry) => {
      const rest = whole(values(entry, others), others);
      return english(entry) === null || rest === null ? null : english(entry) - rest;
    }]);
  }
  const group = controls.group.value;
  if (group === "seen") {
    for (const [head, has] of [["seen", true], ["unseen", false]]) {
      columns.push([head, `languages ${head} in pretraining, where the model zoo lists them`, (entry) => entry.seen === undefined ? null
        : mean(values(entry, codes.filter((code) => DATA.seen[entry.seen].includes(code) === has)))]);
    }
  } else if (group) {
    const names = [...new Set(codes.map(GROUPS[group]))].sort();
    for (const name of names) {
      const own = codes.filter((code) => GROUPS[group](code) === name);
      columns.push([name || "unknown", `mean of ${own.length}: ${own.join(" ")}`, (entry) => whole(values(entry, own), own)]);
    }
  } else {
    const order = [...codes].sort((a, b) => collator.compare(GROUPS.family(a), GROUPS.family(b)) || collator.compare(a, b));
    for (const code of order) columns.push([code, DATA.languages[code].slice(0, 3).join(", "), (entry) => entry.value[places.get(code)], code]);
  }
  return columns;
}
// A mean over a part of the languages it names would be another number.
const whole = (values, own) => (values.length === own.length ? mean(values) : null);

// With hundreds of rows a table is drawn only when it comes into view.
const inView = new Set();
const observer = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) {
    if (isIntersecting) { inView.add(target); drawLanguages(target); } else inView.delete(target);
  }
}, { rootMargin: "200px" });

function drawLanguages(block) {
  if (!block || !inView.has(block)) return;
  const controls = controlsOf(block);
  const codes = shownCodes(controls);
  const rows = DATA.entries.map((entry, at) => [entry, at])
    .filter(([entry]) => entry.task === controls.task.value && kept(entry.name, entry.kind, entry.protocol));
  // A language that nobody has been scored in is counted, not drawn.
  const scored = codes.filter((code) => rows.some(([entry]) => valueIn(entry, code) !== null));
  const columns = columnsOf(controls, codes).filter((one) => !one[3] || !rows.length || scored.includes(one[3]));
  block.querySelector(".l-count").textContent = `${scored.length} of ${codes.length} languages scored`;
  const all = rows.flatMap(([entry]) => columns.filter((one) => one[0] !== "gap").map((one) => one[2](entry))).filter((one) => one !== null);
  const low = Math.min(...reduced(all, Math.min)), high = Math.max(...reduced(all, Math.max));
  const body = document.createElement("tbody");
  for (const [entry, at] of rows) body.append(languageRow(entry, at, columns, low, high));
  const head = document.createElement("thead");
  head.append(headRow(columns));
  const caption = element("caption", `${DATA.tasks[controls.task.value].title}: percent by language`, "sr");
  block.querySelector("table").replaceChildren(caption, head, body);
}
// Math.min takes its values as arguments, of which there may be too many.
function reduced(values, choose) {
  return values.length ? [values.reduce((one, other) => choose(one, other))] : [0];
}

function headRow(columns) {
  const row = document.createElement("tr");
  const heads = [["checkpoint", "", "name"], ...columns.map((one) => [one[0], one[1], "num"]), ["supervision", "", ""]];
  for (const [text, title, name] of heads) {
    const cell = element("th", undefined, name);
    const button = element("button", text, "sort");
    button.type = "button";
    button.title = title;
    cell.scope = "col";
    cell.setAttribute("aria-sort", "none");
    cell.append(button);
    row.append(cell);
  }
  return row;
}

function languageRow(entry, at, columns, low, high) {
  const row = document.createElement("tr");
  const name = element("th", undefined, "name");
  const bdi = element("bdi", entry.name);
  bdi.title = entry.name;
  name.scope = "row";
  name.append(bdi);
  if (entry.marks) name.append(element("span", entry.marks, "sub"));
  row.append(name);
  for (const [head, , value, code] of columns) {
    const found = value(entry);
    const cell = element("td", undefined, found === null ? "num none" : head === "gap" ? "num plain" : "num");
    cell.dataset.v = found === null ? "" : String(found);
    if (found !== null && head !== "gap") {
      const share = high > low ? (found - low) / (high - low) : 0.5;
      cell.style.background = `color-mix(in srgb, rgb(var(--high)) ${Math.round(100 * share)}%, rgb(var(--low)))`;
    }
    if (found !== null && code) {
      const button = element("button", percent(found), "n");
      const place = DATA.tasks[entry.task].languages.indexOf(code);
      button.type = "button";
      button.dataset.e = String(at);
      button.dataset.l = code;
      button.title = `${percent(entry.low[place])}–${percent(entry.high[place])} (95%)` +
        (entry.sd && entry.sd[place] !== null ? `, deviation over seeds ${percent(entry.sd[place])}` : "");
      cell.append(button, element("span", `${percent(entry.low[place])}–${percent(entry.high[place])}`, "ci"));
    } else {
      cell.textContent = found === null ? "–" : percent(found);
    }
    row.append(cell);
  }
  row.append(element("td", entry.label));
  return row;
}

for (const block of document.querySelectorAll(".languages")) {
  const controls = controlsOf(block);
  fillChoices(controls);
  observer.observe(block);
  controls.task.addEventListener("change", () => { fillChoices(controls); drawLanguages(block); });
  for (const name of ["language", "family", "script", "group"]) controls[name].addEventListener("change", () => drawLanguages(block));
}
applyFilters();
