/** SHA-256 of the network's file. */
declare const MODEL_SHA256: string;
/** What the network states about its input (see `Contract` in engine/network.js). */
declare const CONTRACT: any;
