// Search in a list of entries: [data-filter="#scope"] over [data-entries] [data-label]; [data-none] shows when nothing fits.

export function filter(search) {
  const scope = document.querySelector(search.dataset.filter);
  const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let seen = 0;
  for (const group of scope.querySelectorAll("[data-entries]")) {
    let here = 0;
    for (const entry of group.querySelectorAll("[data-label]")) {
      const fits = words.every((word) => entry.dataset.label.toLowerCase().includes(word));
      entry.hidden = !fits;
      here += fits;
    }
    group.hidden = !here;
    seen += here;
  }
  const none = scope.querySelector("[data-none]");
  if (none) none.hidden = seen > 0;
}
