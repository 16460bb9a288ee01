-- Health of an Instance: running, or stopped where its spec wants that.
local status = obj.status or {}
if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not looked at yet"}
end
local message = nil
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    message = condition.message
  elseif condition.type == "ReinstallRequired" and condition.status == "True" and status.phase == "Running" then
    -- What is installed is not what the spec says, and stays so until somebody asks for it.
    return {status = "Suspended", message = condition.message}
  end
end
if status.phase == "Failed" then
  return {status = "Degraded", message = message}
end
if status.phase == "Running" then
  return {status = "Healthy", message = message}
end
if status.phase == "Stopped" then
  return {status = "Suspended", message = message}
end
return {status = "Progressing", message = message}
