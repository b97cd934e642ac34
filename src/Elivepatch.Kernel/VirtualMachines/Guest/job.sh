# Runs the job's one script.
cd /job
sh /job/script
status=$?
