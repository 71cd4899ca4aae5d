"""The stand-in for Clarifai's API."""
