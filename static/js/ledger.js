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
  // The boxes are built some time after the page is read.
  document.addEventListener("DOMContentLoaded", function () {
    nameSigns();
    nameBoxes();
    new MutationObserver(nameBoxes).observe(document.body, { childList: true, subtree: true });
  });
})();
