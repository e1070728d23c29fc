using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Builds trees of modules whose names are those of a checkpoint.</summary>
internal static class ModuleTree
{
    /// <summary>Registers parts under their own names; of a part without a name, what it is made of.</summary>
    public static void Own(this nn.Module owner, params ReadOnlySpan<nn.Module> parts)
    {
        foreach (nn.Module part in parts)
            if (part.GetName().Length > 0)
                owner.Own(part.GetName(), part);
            else
                foreach ((string name, nn.Module child) in part.named_children())
                    owner.Own(name, child);
    }

    /// <summary>Registers a part under a name, which may be a path of names: those in between get modules that hold nothing else.</summary>
    public static void Own(this nn.Module owner, string path, nn.Module part)
    {
        int dot = path.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
        {
            owner.register_module(path, part);
            return;
        }
        string first = path[..dot];
        nn.Module? found = owner.named_children().Where(child => child.name == first).Select(child => child.module).FirstOrDefault();
        if (found is null)
            owner.register_module(first, found = new Folder(first));
        found.Own(path[(dot + 1)..], part);
    }

    private sealed class Folder(string name) : nn.Module(name);
}
