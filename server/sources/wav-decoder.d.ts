/** What we use of wav-decoder, which brings no types of its own. */
declare module 'wav-decoder' {
  interface DecodedWav {
    readonly numberOfChannels: number;
    /** Samples per channel. */
    readonly length: number;
    readonly sampleRate: number;
    readonly channelData: readonly Float32Array[];
  }
  const wavDecoder: {
    readonly decode: {
      /** @throws {TypeError} if the format is none that it knows. */
      sync(wav: ArrayBuffer, options?: { readonly symmetric?: boolean }): DecodedWav;
    };
  };
  export default wavDecoder;
}
