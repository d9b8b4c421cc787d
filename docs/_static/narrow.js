// What a narrow screen needs, and style alone cannot give it (site.css).
document.addEventListener("DOMContentLoaded", () => {
  // A table of sentences becomes one card for each row, each cell under the name of its column. Numbers stay in columns.
  for (const table of document.querySelectorAll(".bd-article table.table:not(.dataframe)")) {
    const names = [...table.querySelectorAll("thead th")].map((name) => name.textContent.trim());
    const rows = [...table.querySelectorAll("tbody tr")];
    if (names.length > 3 && !rows.some((row) => [...row.cells].slice(1).some((cell) => cell.textContent.length > 50))) continue;
    table.classList.add("cards");
    for (const row of rows) {
      [...row.cells].forEach((cell, at) => { if (at && names.length > 2 && cell.textContent.trim()) cell.dataset.name = names[at]; });
    }
  }
  // A picture scrolls in a frame of its own.
  for (const picture of document.querySelectorAll(".bd-article img.sphx-glr-single-img")) {
    const frame = document.createElement("div");
    frame.className = "frame";
    picture.replaceWith(frame);
    frame.append(picture);
  }
});
