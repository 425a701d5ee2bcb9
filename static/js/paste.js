// A preview of pasted words: the menus of people nobody named say what the choice above them means.
(function () {
  "use strict";
  const WORDS = { leave: "请假（没提到）", present: "出席（没提到）", absent: "缺席（没提到）", none: "先不登记" };
  const LOOKS = { present: "present", late: "late", left_early: "late", online: "present", elsewhere: "present", leave: "leave", absent: "absent" };
  // Who is away by the roster, where the others are taken as having come.
  const restOf = (menu, rest) => rest !== "offered" ? rest : "away" in menu.dataset ? "leave" : "present";
  function look(select, rest) {
    const row = select.closest(".register-row");
    if (!row) return;
    const code = select.value || (rest === "none" ? "" : rest) || "";
    row.className = "register-row is-" + (LOOKS[code.split(":")[0]] || "unmarked");
  }
  document.querySelectorAll(".paste-part").forEach(function (part) {
    const radios = part.querySelectorAll("[data-rest] input");
    const menus = Array.from(part.querySelectorAll(".paste-rows select"));
    function rest() {
      const chosen = part.querySelector("[data-rest] input:checked");
      return chosen ? chosen.value : "";
    }
    function show() {
      const word = rest();
      menus.forEach(function (menu) {
        const empty = menu.querySelector('option[value=""]');
        if (empty && word) empty.textContent = WORDS[restOf(menu, word)];
        look(menu, empty ? restOf(menu, word) : "");
      });
    }
    radios.forEach(function (radio) { radio.addEventListener("change", show); });
    part.addEventListener("change", function (event) {
      if (event.target.matches(".paste-rows select")) look(event.target, event.target.querySelector('option[value=""]') ? restOf(event.target, rest()) : "");
    });
    show();
  });
})();
