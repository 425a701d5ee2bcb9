// Who came from elsewhere. Looking them up needs htmx and a signal: it is fetched when somebody opens this part,
// because on a first visit it would weigh as much as all the names.
(function () {
  "use strict";
  let coming = null;
  function fetchHtmx(address) {
    coming = coming || new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = address;
      script.addEventListener("load", resolve);
      script.addEventListener("error", function () {
        coming = null;
        script.remove();
        reject(new Error(address));
      });
      document.head.append(script);
    });
    return coming;
  }
  // htmx sets itself up on a page that is complete, or before its DOMContentLoaded: never between the two.
  function complete() {
    return new Promise(function (resolve) {
      if (document.readyState === "complete") resolve();
      else window.addEventListener("load", resolve);
    });
  }

  window.registerVisitors = function (form, changed) {
    const box = document.getElementById("visitors");
    const fold = box.querySelector("details");
    const search = document.getElementById("visitor-search");
    const name = document.getElementById("visitor-name");
    function need() {
      return complete().then(function () { return fetchHtmx(box.dataset.htmx); }).then(function () { return true; }, function () {
        window.house.toast("网络不通，外单位的人现在找不了，有了信号再找。", "warn");
        return false;
      });
    }
    function open() {
      if (fold.open) need().then(function (there) { if (there && window.htmx && name.value !== name.defaultValue) window.house.submit(search); });
    }
    fold.addEventListener("toggle", open);
    open();
    // Pressed before htmx is there: the page must not be left for it.
    [search, document.getElementById("guest-form")].forEach(function (small) {
      small.addEventListener("submit", function (event) {
        if (window.htmx) return;
        event.preventDefault();
        // A browser older than htmx leaves the page after all: what was tapped is kept as a draft.
        need().then(function (there) {
          if (there && window.htmx) window.house.submit(small);
          else if (there) small.submit();
        });
      });
    });
    // A found visitor that was ticked stays when the next name is looked up.
    box.addEventListener("change", function (event) {
      const line = event.target.closest("li");
      if (!line || event.target.type !== "checkbox") return;
      if (event.target.checked) document.getElementById("visitors-picked").append(line);
      changed();
    });
  };
})();
