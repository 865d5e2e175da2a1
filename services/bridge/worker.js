import Built from "./build/index.js";
import { handlers } from "../worker/host/handlers.js";

export default handlers(Built);
