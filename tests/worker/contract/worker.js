import Built from "./build/index.js";
import { handlers } from "../../../services/worker/host/handlers.js";

export default handlers(Built);
