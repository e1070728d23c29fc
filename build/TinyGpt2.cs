// Writes a GPT-2 of a few thousand random weights in Hugging Face's layout to the folder "gpt2": what the README's program starts from.
using Microsoft.ML;
using Microsoft.ML.Trl;

Row[] rows = [new() { Text = "the film is a joy ." }, new() { Text = "the cast is asleep ." }, new() { Text = "the story is a bore ." }];
TextTokenizer tokenizer = BpeTrainer.Train(rows.Select(row => row.Text), 280);
ModelConfig config = ModelConfig.Gpt2(tokenizer.VocabularySize, hiddenSize: 16, layers: 2, heads: 2, contextLength: 64);
ModelSource tiny = ModelSource.New(config, tokenizer);
var ml = new MLContext(seed: 1);
using var model = ml.Trl().Sft(tiny, new SftOptions { MaxSteps = 1 }).Fit(ml.Data.LoadFromEnumerable(rows));
model.SaveHuggingFace("gpt2");

class Row { public string Text { get; set; } = ""; }
