"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const box = document.querySelector(`input[data-for="${table.dataset.key}"]`);
  if (box) {
    const holder = box.closest(".search");
    const status = holder.querySelector("[role=status]");
    holder.hidden = false;
    box.addEventListener("input", () => {
      const wanted = box.value.toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      status.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
    });
  }
  const key = (row, place, numeric) => {
    const text = row.cells[place].textContent;
    if (!numeric) return text;
    const value = parseFloat(text.replace(/[,%\s]/g, ""));
    return Number.isNaN(value) ? -Infinity : value;
  };
  Array.from(table.tHead.rows[0].cells).forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const numeric = head.classList.contains("n");
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      rows.sort((a, b) => {
        const x = key(a, place, numeric);
        const y = key(b, place, numeric);
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
      body.append(...rows);
    });
  });
}
