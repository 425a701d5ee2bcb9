// The box above a long register: only the rows with this name, or these initials, stay.
(function () {
  "use strict";
  window.registerFind = function (form, rows) {
    const find = document.getElementById("register-find");
    if (!find) return;
    function fits(row, text) {
      const name = row.querySelector(".register-person").textContent;
      const at = (row.dataset.initials || "").indexOf(text); // 1: the given name's own
      return !text || name.indexOf(text) >= 0 || at === 0 || at === 1;
    }
    function filterNames() {
      const text = find.value.trim().toLowerCase();
      rows.forEach(function (row) { row.hidden = !fits(row, text); });
      form.querySelectorAll("[data-group]").forEach(function (group) {
        group.hidden = !group.querySelector(".register-row:not([hidden])");
      });
      document.getElementById("register-none").hidden = Boolean(form.querySelector("[data-group]:not([hidden])"));
      if (text) form.querySelectorAll("details[data-group]").forEach(function (box) { box.open = !box.hidden; });
    }
    find.addEventListener("input", filterNames);
    find.addEventListener("keydown", function (event) { if (event.key === "Enter") event.preventDefault(); });
  };
})();
