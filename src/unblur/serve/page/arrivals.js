// Files that are dropped on the page, or pasted.

/**
 * @param {HTMLElement} veil  shown while files hover over the page
 * @param {(files: File[]) => void} add
 */
export function arrivals(veil, add) {
  let depth = 0; // of the elements that were entered and not left
  const heard = (/** @type {any} */ event) => {
    const { types, files } = event.dataTransfer ?? event.clipboardData ?? {};
    if (!types?.includes("Files")) return;
    if (event.type === "dragleave") depth = Math.max(0, depth - 1);
    else event.preventDefault();
    if (event.type === "dragenter") depth++;
    if (/drop|paste/.test(event.type)) {
      depth = 0;
      add([...files]);
    }
    veil.hidden = !depth;
  };
  for (const type of ["dragenter", "dragleave", "dragover", "drop", "paste"]) {
    document.addEventListener(type, heard);
  }
}
