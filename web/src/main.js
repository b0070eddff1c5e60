import { Conversation } from './conversation.js';
import { ConversationView } from './conversation-view.js';
import { EditFaceDialog } from './edit-face-dialog.js';
import { FiguresView } from './figures-view.js';
import { GalleryView } from './gallery-view.js';
import { KeyDialog } from './key-dialog.js';
import { MeterView } from './meter-view.js';
import { MicrophoneView } from './microphone-view.js';
import { OwnFaceView } from './own-face-view.js';
import { OwnFaces } from './own-faces.js';
import { StageView } from './stage-view.js';
import { startTheme } from './theme.js';

const keyDialog = new KeyDialog();
const conversation = new Conversation((problem) => keyDialog.ask(problem));
const words = new ConversationView(conversation);
const meter = new MeterView(conversation, (isSilent) =>
  words.setSilence(isSilent ? 'Nothing comes from the microphone. Is it switched off, or the wrong one?' : ''),
);
const ownFaces = new OwnFaces(conversation.door);
const editDialog = new EditFaceDialog(ownFaces, () => conversation.refreshAvatars());
const views = [
  words,
  new StageView(conversation),
  new GalleryView(conversation),
  new OwnFaceView(conversation, ownFaces, (avatar) => editDialog.open(avatar)),
  new MicrophoneView(conversation),
  meter,
];
new FiguresView(conversation);
startTheme();

const draw = () => {
  for (const view of views) view.draw();
};
conversation.addEventListener('change', draw);
// Once the person is let in it is known what they may do.
conversation.addEventListener('entered', () => void ownFaces.refresh().catch(() => {}));
conversation.open();
draw();

// Countdowns tick while they are shown.
setInterval(() => {
  if (conversation.state.name === 'full' || conversation.state.name === 'gone') words.draw();
}, 500);
