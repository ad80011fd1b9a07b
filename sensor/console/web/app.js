document.getElementById("main").textContent = "Weir";
