// Without a signal: the empty frame and its files, nothing else. What is in a register stands in IndexedDB, bound to
// an account; no answer of the server that holds a name is ever put into this cache.
(function () {
  "use strict";
  const CACHE = "shell-" + self.shellVersion;
  const FRAME = self.shell[0];
  const REGISTER = /^\/sessions\/(\d+)\/register\/$/;
  const NAMED_BY_CONTENT = /\.[0-9a-f]{12}\.[a-z0-9]+$/;
  const PATIENCE = 8000;

  function fill(cache) {
    return Promise.all(self.shell.map(function (address) {
      // Without cookies: nobody's page. What its content names is the same in the browser's own cache.
      const asked = { credentials: "omit", cache: NAMED_BY_CONTENT.test(address) ? "default" : "no-cache" };
      return fetch(new Request(address, asked)).then(function (answer) {
        if (!answer.ok) throw new Error(address);
        return cache.put(address, answer);
      });
    }));
  }
  self.addEventListener("install", function (event) {
    event.waitUntil(caches.open(CACHE).then(fill).then(function () { return self.skipWaiting(); }));
  });
  self.addEventListener("activate", function (event) {
    event.waitUntil(caches.keys().then(function (names) {
      return Promise.all(names.filter(function (name) { return name !== CACHE; }).map(function (name) { return caches.delete(name); }));
    }).then(function () { return self.clients.claim(); }));
  });

  function frame() {
    return caches.match(FRAME).then(function (kept) { return kept || Response.error(); });
  }
  // A bar of signal that carries nothing is no signal, if the phone has this register.
  function hasPack(session) {
    return new Promise(function (resolve) {
      const asked = indexedDB.open("haizhou", 1);
      asked.onupgradeneeded = function () { asked.transaction.abort(); };
      asked.onerror = asked.onblocked = function () { resolve(false); };
      asked.onsuccess = function () {
        const db = asked.result;
        const store = db.transaction("kept").objectStore("kept");
        store.get("who").onsuccess = function (event) {
          store.getKey("pack:" + event.target.result + ":" + session).onsuccess = function (found) {
            db.close();
            resolve(Boolean(found.target.result));
          };
        };
      };
    });
  }
  function register(request, session) {
    const away = [502, 503, 504];
    const server = fetch(request).then(function (answer) {
      if (away.indexOf(answer.status) < 0) return answer;
      return hasPack(session).then(function (has) { return has ? frame() : answer; });
    }, frame);
    const late = new Promise(function (resolve) {
      setTimeout(function () {
        hasPack(session).then(function (has) { if (has) resolve(frame()); });
      }, PATIENCE);
    });
    return Promise.race([server, late]);
  }
  function file(request, address) {
    const kept = function () { return caches.match(address, { ignoreSearch: true }); };
    if (NAMED_BY_CONTENT.test(address)) return kept().then(function (found) { return found || fetch(request); });
    return fetch(request).catch(function (error) {
      return kept().then(function (found) {
        if (found) return found;
        throw error;
      });
    });
  }

  self.addEventListener("fetch", function (event) {
    const request = event.request;
    const address = new URL(request.url);
    if (request.method !== "GET" || address.origin !== self.location.origin) return;
    if (request.mode === "navigate") {
      const session = REGISTER.exec(address.pathname);
      event.respondWith(session ? register(request, session[1]) : fetch(request).catch(frame));
    } else if (self.shell.indexOf(address.pathname) > 0) {
      event.respondWith(file(request, address.pathname));
    }
  });
})();
