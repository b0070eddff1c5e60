import { Conversation } from './conversation.js';
import { ConversationView } from './conversation-view.js';
import { FiguresView } from './figures-view.js';
import { GalleryView } from './gallery-view.js';
import { KeyDialog } from './key-dialog.js';
import { MeterView } from './meter-view.js';
import { MicrophoneView } from './microphone-view.js';
import { StageView } from './stage-view.js';
import { startTheme } from './theme.js';

const keyDialog = new KeyDialog();
const conversation = new Conversation((problem) => keyDialog.ask(problem));
const words = new ConversationView(conversation);
const meter = new MeterView(conversation, (isSilent) =>
  words.setSilence(isSilent ? 'Nothing comes from the microphone. Is it switched off, or the wrong one?' : ''),
);
const views = [
  words,
  new StageView(conversation),
  new GalleryView(conversation),
  new MicrophoneView(conversation),
  meter,
];
new FiguresView(conversation);
startTheme();

const draw = () => {
  for (const view of views) view.draw();
};
conversation.addEventListener('change', draw);
conversation.open();
draw();

// Countdowns tick while they are shown.
setInterval(() => {
  if (conversation.state.name === 'full' || conversation.state.name === 'gone') words.draw();
}, 500);
