// What keeps a window that is tried unseen, in the owner's own desktop, from taking
// anything of theirs: the keyboard, and the way back of their tab. The app sees both as it
// would in a window that they look at.

/** apart puts focus and history of the window's own in place of the browser's. */
export function apart(): void {
  ownFocus();
  ownHistory();
}

type Focusable = HTMLElement | SVGElement;

const takers = "a[href],area[href],button,input:not([type=hidden]),select,textarea,summary,audio[controls],video[controls],[tabindex],[contenteditable]:not([contenteditable=false])";

function takes(el: Element): boolean {
  const modals = document.querySelectorAll(":modal");
  const modal = modals[modals.length - 1];
  return el.matches(takers) && !el.matches(":disabled") && !el.closest("[inert]") && (!modal || modal.contains(el)) && el.checkVisibility({ visibilityProperty: true });
}

function ownFocus(): void {
  let at: Element | null = null;
  const current = () => (at?.isConnected ? at : null);
  const tell = (el: Element, type: string, other: Element | null) => el.dispatchEvent(new FocusEvent(type, { bubbles: type.length > 5, composed: true, relatedTarget: other }));
  const move = (to: Element | null) => {
    const from = current();
    if (from === to) return;
    at = null;
    if (from) {
      tell(from, "blur", to);
      tell(from, "focusout", to);
    }
    if (at !== null) return; // somebody who heard of it has put it elsewhere
    at = to;
    if (!to) return;
    tell(to, "focus", from);
    tell(to, "focusin", from);
  };
  for (const proto of [HTMLElement.prototype, SVGElement.prototype]) {
    proto.focus = function (this: Focusable) {
      if (takes(this)) move(this);
    };
    proto.blur = function (this: Focusable) {
      if (this === current()) move(null);
    };
  }
  Object.defineProperty(Document.prototype, "activeElement", { get: () => current() ?? document.body, configurable: true });
  Document.prototype.hasFocus = () => true;
  window.focus = window.blur = () => undefined;
  ownDialogs(current, move);
}

// A dialog takes the focus when it opens, and gives it back. What is inert takes none, so
// the browser leaves it where the owner has it.
function ownDialogs(current: () => Element | null, move: (to: Element | null) => void): void {
  const before = new WeakMap<HTMLDialogElement, Element | null>();
  const proto = HTMLDialogElement.prototype;
  for (const name of ["show", "showModal"] as const) {
    const real = proto[name];
    proto[name] = function (this: HTMLDialogElement) {
      if (this.open) return real.call(this);
      const from = current();
      this.inert = true;
      try {
        real.call(this);
      } finally {
        this.inert = false;
      }
      before.set(this, from);
      const inside = [...this.querySelectorAll("*")];
      move(inside.find((el) => el.matches("[autofocus]") && takes(el)) ?? inside.find(takes) ?? this);
    };
  }
  const back = (d: HTMLDialogElement) => {
    const to = before.get(d);
    if (to === undefined) return;
    before.delete(d);
    move(to?.isConnected ? to : null);
  };
  const close = proto.close;
  proto.close = function (this: HTMLDialogElement, value?: string) {
    close.call(this, value);
    back(this);
  };
  addEventListener("close", (e) => e.target instanceof HTMLDialogElement && back(e.target), true);
}

// The history of a frame is part of that of its tab: here, each place takes the place of
// the one before, and what came before is remembered.
function ownHistory(): void {
  const real = History.prototype.replaceState;
  const places: { state: unknown; url: string }[] = [{ state: history.state, url: location.href }];
  let at = 0;
  const put = (state: unknown, url?: string | URL | null) => {
    real.call(history, state, "", url);
    return { state, url: location.href };
  };
  History.prototype.pushState = (state, _title, url) => void places.splice(++at, places.length, put(state, url));
  History.prototype.replaceState = (state, _title, url) => void (places[at] = put(state, url));
  History.prototype.go = (by = 0) => {
    const place = places[at + by];
    if (by === 0 || !place) return;
    at += by;
    const hash = location.hash;
    void Promise.resolve().then(() => {
      put(place.state, place.url);
      dispatchEvent(new PopStateEvent("popstate", { state: place.state }));
      if (location.hash !== hash) dispatchEvent(new HashChangeEvent("hashchange"));
    });
  };
  History.prototype.back = () => history.go(-1);
  History.prototype.forward = () => history.go(1);
  Object.defineProperty(History.prototype, "length", { get: () => places.length, configurable: true });
}
