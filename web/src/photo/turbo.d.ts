declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs" {
  const factory: (options: object) => Promise<any>;
  export default factory;
}
