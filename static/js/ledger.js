// The ledger's search-as-you-type choices: the box that stands for the field says its name.
(function () {
  "use strict";
  function nameBoxes() {
    document.querySelectorAll(".select2-hidden-accessible").forEach(function (field) {
      const label = field.labels && field.labels[0];
      const box = field.nextElementSibling && field.nextElementSibling.querySelector("[role=combobox]");
      if (!label || !box || box.dataset.named) return;
      label.id = label.id || field.id + "-label";
      box.dataset.named = "yes";
      box.setAttribute("aria-labelledby", label.id + " " + (box.getAttribute("aria-labelledby") || ""));
      const chosen = box.querySelector("[role=textbox]");
      if (chosen) chosen.setAttribute("aria-labelledby", label.id);
    });
  }
  // Signs for yes and no are read aloud, and Django names them in English.
  function nameSigns() {
    const words = { True: "是", False: "否", None: "不知道" };
    document.querySelectorAll("#content img[alt]").forEach(function (sign) {
      if (words[sign.alt]) sign.alt = words[sign.alt];
    });
  }
  // On a phone each row of a list is a card: its cells say what they are.
  function nameCells() {
    const table = document.querySelector("#result_list");
    if (!table) return;
    const heads = Array.from(table.querySelectorAll("thead th"));
    table.querySelectorAll("tbody tr").forEach(function (row) {
      Array.from(row.children).forEach(function (cell, at) {
        const text = cell.textContent.trim();
        if (heads[at]) cell.dataset.label = heads[at].textContent.trim();
        if ((text === "-" || text === "—" || text === "") && !cell.querySelector("img, input, a")) cell.classList.add("is-empty");
      });
    });
    table.parentElement.classList.add("as-cards");
  }
  // Once something is ticked the bar of acts comes into view.
  function watchTicks() {
    const list = document.querySelector("#changelist-form");
    const bar = list && list.querySelector(".actions");
    if (!bar) return;
    function look() {
      bar.classList.toggle("has-ticked", list.querySelector("input.action-select:checked") !== null);
    }
    list.addEventListener("change", function () { window.setTimeout(look, 0); });
    look();
  }
  // Filters stand open beside a list at a desk, folded above it on a phone.
  function unfold() {
    if (window.matchMedia("(min-width: 768px)").matches) {
      document.querySelectorAll("details[data-fold]").forEach(function (fold) { fold.open = true; });
    }
    document.querySelectorAll(".tree-filter select").forEach(function (choice) {
      choice.addEventListener("change", function () { choice.form.submit(); });
    });
  }
  // The boxes are built some time after the page is read.
  document.addEventListener("DOMContentLoaded", function () {
    nameSigns();
    nameCells();
    unfold();
    watchTicks();
    nameBoxes();
    new MutationObserver(nameBoxes).observe(document.body, { childList: true, subtree: true });
  });
})();
