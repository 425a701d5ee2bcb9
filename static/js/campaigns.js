// Session form: a suggested title, the field for another length, and 全选 in the tree of units.
// Without this file the form posts the same: an upper unit stands for its branches on the server, too.
(function () {
  "use strict";

  function suggestTitle(form) {
    const kind = form.elements.form;
    const names = Array.from(form.querySelectorAll('input[name="topics"]:checked'), function (box) { return box.dataset.name; });
    // As the server names it (campaigns/forms/sessions.py, title_of).
    const all = names.join("、");
    const about = names.length > 1 && (names.length > 2 || all.length > 40) ? names[0] + "等" + names.length + "个专题" : all;
    const title = form.elements.title;
    if (!kind || !title || !kind.options) return;
    const word = kind.options[kind.selectedIndex].text;
    title.placeholder = about ? word + "：" + about : word;
  }

  function showOtherLength(form) {
    const chosen = form.querySelector('input[name="length"]:checked');
    const box = form.querySelector("[data-other-length]");
    if (box) box.classList.toggle("is-quiet", Boolean(chosen && chosen.value));
  }

  function boxesOf(tree) { return Array.from(tree.querySelectorAll('input[name="units"]')); }
  function isUpper(box) { return box.closest(".unit-row").classList.contains("is-upper"); }

  function tickBelow(tree, box) {
    boxesOf(tree).forEach(function (other) {
      if (other.dataset.path.startsWith(box.dataset.path)) other.checked = box.checked;
    });
  }
  // An upper unit is ticked when all its branches are, half ticked when some are.
  function showUppers(tree) {
    const boxes = boxesOf(tree);
    boxes.filter(isUpper).forEach(function (upper) {
      const below = boxes.filter(function (box) { return !isUpper(box) && box.dataset.path.startsWith(upper.dataset.path); });
      if (!below.length) return;
      const ticked = below.filter(function (box) { return box.checked; }).length;
      upper.checked = ticked === below.length;
      upper.indeterminate = ticked > 0 && ticked < below.length;
    });
    const count = document.querySelector("[data-unit-count]");
    const ticked = boxes.filter(function (box) { return box.checked && !isUpper(box); }).length;
    if (count && boxes.some(function (box) { return !isUpper(box); })) count.textContent = "已选 " + ticked + " 个";
  }

  document.querySelectorAll("[data-unit-tree]").forEach(function (tree) {
    boxesOf(tree).filter(function (box) { return box.checked && isUpper(box); }).forEach(function (box) { tickBelow(tree, box); });
    tree.addEventListener("change", function (event) {
      if (isUpper(event.target)) tickBelow(tree, event.target);
      showUppers(tree);
    });
    showUppers(tree);
  });

  document.querySelectorAll("[data-session-form]").forEach(function (form) {
    form.addEventListener("change", function () { suggestTitle(form); showOtherLength(form); });
    suggestTitle(form);
    showOtherLength(form);
  });
})();
