# Runs the job's one script.
cd /job
sh /job/script 5<&-
status=$?
