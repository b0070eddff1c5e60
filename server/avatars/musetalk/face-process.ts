import { answerApart } from '../answer-apart.ts';
import { type FaceJob, prepareFace } from './prepare-face.ts';

// How much memory the models take is known to whoever chose them.
answerApart(
  (job: FaceJob, onProgress) => prepareFace(job, onProgress),
  null,
  () => '',
);
