{% load static %}// One version of the pages a phone may keep; the browser asks for this file again on every visit.
self.shell = {{ shell|safe }};
self.shellVersion = "{{ version }}";
importScripts("{% static 'js/offline-worker.js' %}");
