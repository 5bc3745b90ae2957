/** XMP: what it says of the picture is made to agree with the new one; the rest stays as it is. */

import { NONE, joined, latin } from "./bytes.js";

// Of the old pixels, or of what lies in the file outside the picture.
const STALE =
  /gain-?map|MotionPhoto|MicroVideo|OLivePhoto|photos\/(dd\/)?1\.0\/(container|image|device)|:Thumbnails|:provenance/i;
// Positions, which turning moves. UTF-16 hides them.
const SIDED =
  /^\W?\W?<?\0|\/regions\/|:Region|:ImageRegion|:Subject[AL]|:Crop[A-Z]|BasedCorr|\/(depthmap|focus|panorama)\//;

/**
 * A packet for the upright picture: the orientation becomes 1, sizes are exchanged in a turned one.
 * One that says nothing of this comes back byte for byte, well-formed or not.
 * @param {Uint8Array} packet in UTF-8
 * @param {number} orientation that has been applied
 * @param {string[]} lost gets what is lost, in a few words
 * @returns {Uint8Array} empty if it describes the old picture in ways that are not changed here
 */
export function uprightXmp(packet, orientation, lost) {
  let text = latin(packet);
  if (STALE.test(text) || (orientation > 1 && SIDED.test(text))) {
    lost.push("its XMP, which is of the old picture");
    return NONE;
  }
  if (orientation < 2) return packet;
  text = text.replace(/(:Orientation(?:>|\s*=\s*["']))[2-8]/g, "$11");
  if (orientation > 4) {
    // Not the values: what the width was is the height now.
    text = text
      .replace(/tiff:Image(Width|Length)/g, (_, side) => `tiff:Image${side === "Width" ? "Length" : "Width"}`)
      .replace(/exif:Pixel(.)/g, (_, side) => `exif:Pixel${side === "X" ? "Y" : "X"}`);
  }
  return joined(text);
}
