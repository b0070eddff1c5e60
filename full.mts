import { openGraphs } from './server/models/open-graphs.ts';
const t=performance.now();
const o = await openGraphs(['whisper-encoder','unet-decoder'], {modelsFolder:'/tmp/full-musetalk', executionProviders:null, threads:0, remoteUrl:null}, p=>console.log(((performance.now()-t)/1000).toFixed(1), p.step));
console.log(o.provider, o.refusals, o.facts['unet-decoder'].precision, ((performance.now()-t)/1000).toFixed(1), Math.round(process.memoryUsage.rss()/1e6)); await o.close();
