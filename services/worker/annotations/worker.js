import Built from "./build/index.js";
import { handlers } from "../host/handlers.js";

export default handlers(Built);
