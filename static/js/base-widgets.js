// Small behaviours by data attribute: relative times, copy, tabs, "/" for search, selectable tables, tag inputs.

// Times: <time datetime data-relative> and <time datetime data-local> ("data-date" for the day alone) -----------------
// Near times are said from now ("3 hours ago"); from a week on the day says more.
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const WEEK = 604800;
const locale = document.documentElement.lang || undefined;
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });

function ago(then) {
  const seconds = (then - Date.now()) / 1000;
  if (Math.abs(seconds) >= WEEK) return day.format(then);
  const near = seconds > 0 ? 1.05 : 1; // what has just been set to come in 3 days comes in 3 days, not in 2
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) * near >= length) ?? [];
  return unit ? relative.format(seconds > 0 ? Math.round(seconds / size) : Math.trunc(seconds / size), unit) : seconds > 5 ? "in a moment" : "just now";
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showTimes(scope = document) {
  for (const element of scope.querySelectorAll("time[datetime]:is([data-relative], [data-local], [data-date])")) {
    const then = new Date(element.dateTime);
    if (Number.isNaN(then.getTime())) continue;
    const long = full.format(then);
    if (element.hasAttribute("data-relative")) write(element, ago(then));
    else write(element, element.hasAttribute("data-date") ? day.format(then) : long);
    if (element.title !== long) element.title = long;
  }
}
setInterval(() => { if (!document.hidden) showTimes(); }, 20000);

// Copy: <button data-copy> (the code block around it), data-copy="#id" (that element) or data-copy-text="…" -----------
async function copy(button) {
  const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.closest(".code")?.querySelector("pre");
  const text = button.dataset.copyText ?? source?.value ?? source?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    document.dispatchEvent(new CustomEvent("toast", { detail: { level: "warning", text: "The browser did not allow copying. Select the text and copy it by hand." } }));
    return;
  }
  const use = button.querySelector("use");
  const before = use?.getAttribute("href");
  use?.setAttribute("href", before.replace(/#.*/, "#check"));
  document.dispatchEvent(new CustomEvent("announce", { detail: { text: "Copied" } }));
  setTimeout(() => use?.setAttribute("href", before), 1500);
}

// Tabs: [data-tabs] holds buttons role=tab with aria-controls; panels are role=tabpanel ---------------------------------
function selectTab(tab, focus = false) {
  const tabs = tab.closest("[data-tabs]");
  for (const one of tabs.querySelectorAll("[role=tab]")) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(one.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
  if (focus) tab.focus();
  tab.dispatchEvent(new CustomEvent("tab", { bubbles: true }));
}

function moveTab(event) {
  const tabs = [...event.target.closest("[data-tabs]").querySelectorAll("[role=tab]")];
  const forward = getComputedStyle(event.target).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
  const here = tabs.indexOf(event.target);
  const next = { [forward]: here + 1, [back]: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  selectTab(tabs[(next + tabs.length) % tabs.length], true);
}

// Selectable table: <table data-selectable> with a checkbox [data-select-all] and checkboxes named in rows --------------
function showSelection(table) {
  const boxes = [...table.querySelectorAll("tbody input[type=checkbox][data-select]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = table.querySelector("[data-select-all]");
  if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
  const bar = table.closest(".table-wrap, form, .card")?.querySelector(".selection-bar");
  if (!bar) return;
  bar.hidden = chosen === 0;
  const count = bar.querySelector("[data-selected-count]");
  if (count) count.textContent = String(chosen);
}

// Tag input: .tag-input[data-name] — Enter or a comma makes a tag with a hidden input of that name ----------------------
function addTag(box, text) {
  const value = text.trim();
  const present = [...box.querySelectorAll("input[type=hidden]")].some((input) => input.value === value);
  if (!value || present) return;
  const tag = document.createElement("span");
  const remove = document.createElement("button");
  const hidden = document.createElement("input");
  tag.className = "tag";
  Object.assign(hidden, { type: "hidden", name: box.dataset.name, value });
  Object.assign(remove, { type: "button", textContent: "×" });
  remove.setAttribute("aria-label", `Remove ${value}`);
  remove.dataset.removeTag = "";
  tag.append(value, hidden, remove);
  box.insertBefore(tag, box.querySelector(":scope > input:not([type=hidden])"));
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function tagKey(event) {
  const input = event.target;
  const box = input.closest(".tag-input");
  if ((event.key === "Enter" || event.key === ",") && input.value.trim()) {
    event.preventDefault();
    for (const part of input.value.split(",")) addTag(box, part);
    input.value = "";
  } else if (event.key === "Backspace" && !input.value) {
    box.querySelector(".tag:last-of-type")?.remove();
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// One listener each ---------------------------------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-copy], [data-copy-text], [data-tabs] [role=tab], [data-remove-tag]");
  if (!target) return;
  if (target.matches("[role=tab]")) selectTab(target);
  else if (target.matches("[data-remove-tag]")) {
    const box = target.closest(".tag-input");
    target.closest(".tag").remove();
    box.querySelector(":scope > input:not([type=hidden])")?.focus();
    box.dispatchEvent(new Event("change", { bubbles: true }));
  } else copy(target);
});

document.addEventListener("change", (event) => {
  const table = event.target.closest?.("table[data-selectable]");
  if (table) {
    if (event.target.matches("[data-select-all]")) {
      for (const box of table.querySelectorAll("tbody input[data-select]:not(:disabled)")) box.checked = event.target.checked;
    }
    showSelection(table);
  }
  if (event.target.matches?.("[data-submit-on-change]")) event.target.form?.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.target.closest?.("[data-tabs] [role=tab]")) { moveTab(event); return; }
  if (event.target.matches?.(".tag-input > input")) { tagKey(event); return; }
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const search = document.querySelector("[data-search], main input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

showTimes();
document.addEventListener("htmx:after:swap", () => showTimes());
document.addEventListener("live:after", () => {
  showTimes();
  for (const table of document.querySelectorAll("table[data-selectable]")) showSelection(table);
});
